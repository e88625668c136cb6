/** What every build of the code does to it. */
import { readFileSync } from "node:fs"
import * as Path from "node:path"
import type { Plugin } from "rolldown"

/** Puts the text of a file in the place of the call that reads it, which must be written exactly so. */
export const inlined: Plugin = {
  name: "inlined",
  transform: (code, id) => {
    const [call, file] = /readFileSync\(new URL\("(\.\/[\w.-]+)", import\.meta\.url\), "utf8"\)/.exec(code) ?? []
    if (call === undefined || file === undefined) return undefined
    const text = JSON.stringify(readFileSync(Path.resolve(Path.dirname(id), file), "utf8"))
    // the text is one line, so that the map of the lines stays right
    return { code: code.replace(call, () => text), map: null }
  }
}

/**
 * Writes characters beyond ASCII as escapes. They stand in texts alone, and V8 keeps a file with a single one in two bytes a
 * character: of the file with the node, that was 370 kB of memory. The map of the lines stays right.
 */
export const ascii = (code: string): string =>
  code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
