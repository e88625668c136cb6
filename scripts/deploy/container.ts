/** The Dockerfile's steps without Docker: each is carried out in a folder that stands for the image. */
import { execFileSync } from "node:child_process"
import { cpSync, globSync, mkdirSync } from "node:fs"
import * as Path from "node:path"

export interface Image {
  /** What the container starts. */
  readonly command: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
  /** Where it is started, on this machine. */
  readonly folder: string
  /** The steps that were carried out, and those that were not. */
  readonly done: ReadonlyArray<string>
  readonly skipped: ReadonlyArray<string>
}

/** Instructions of a Dockerfile with their arguments, continued lines joined. */
const instructions = (text: string): ReadonlyArray<readonly [name: string, rest: string]> =>
  text.replaceAll("\\\n", " ").split("\n").filter((line) => /^[A-Z]/.test(line)).map((line) => {
    const [, name = "", rest = ""] = /^(\w+)\s+(.*)$/.exec(line) ?? []
    return [name, rest]
  })

/**
 * Carries out RUN, COPY, WORKDIR, ENV, ENTRYPOINT and CMD with `root` as the image's root. All stages share it, so what is
 * copied from another stage is there already. Fails at an instruction that it does not know.
 */
export const build = (dockerfile: string, context: string, root: string, env: NodeJS.ProcessEnv): Image => {
  let folder = root
  const own: Record<string, string> = {}
  const command: Array<string> = []
  const done: Array<string> = []
  const skipped: Array<string> = []
  for (const [name, rest] of instructions(dockerfile)) {
    const step = `${name} ${rest}`
    switch (name) {
      case "WORKDIR":
        folder = Path.join(root, rest)
        mkdirSync(folder, { recursive: true })
        break
      case "COPY": {
        if (rest.startsWith("--from=")) {
          skipped.push(step)
          continue
        }
        const [from = "", to = ""] = rest.split(/\s+/)
        const files = globSync(from, { cwd: context })
        if (files.length === 0) throw new Error(`${step}: there is no such file`)
        for (const file of files) cpSync(Path.join(context, file), Path.join(folder, to, file))
        break
      }
      case "RUN":
        execFileSync("sh", ["-e", "-c", rest], {
          cwd: folder,
          env: { ...env, ...own },
          stdio: ["ignore", "ignore", "inherit"]
        })
        break
      case "ENV": {
        const [key = "", value = ""] = rest.split("=")
        own[key] = value
        break
      }
      case "ENTRYPOINT":
      case "CMD":
        command.push(...JSON.parse(rest) as ReadonlyArray<string>)
        break
      case "FROM":
      case "USER":
      case "EXPOSE":
        skipped.push(step)
        continue
      default:
        throw new Error(`${step}: not known here`)
    }
    done.push(step)
  }
  return { command, env: own, folder, done, skipped }
}
