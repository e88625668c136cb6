/** Reads the sections of `docs/parity` from a checkout. */
import { readFileSync } from "node:fs"
import * as Path from "node:path"
import { type Parity, parse, sections } from "./data.ts"

export const root = Path.resolve(import.meta.dirname, "../..")

export const read = (file: string): string => readFileSync(Path.join(root, file), "utf8")

export const readAll = (): Parity =>
  new Map(sections.map((name) => [name, parse(name, read(`docs/parity/${name}.json`))]))
