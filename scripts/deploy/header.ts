/** The steps at the top of the systemd unit, carried out in folders that stand for those of a host. */
import { execFileSync } from "node:child_process"
import { mkdirSync, readFileSync } from "node:fs"
import * as Path from "node:path"

export interface Installed {
  /** The unit as it was copied. */
  readonly unit: string
  readonly done: ReadonlyArray<string>
  readonly skipped: ReadonlyArray<string>
}

/** The commands of the comment: its lines that are moved to the right. */
const commands = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/^#   (.*)$/gm)].map(([, line = ""]) => line)

/** Fails where a step does. `root` stands for the host's, and `tgz` is the package's file. */
export const install = (unit: string, tgz: string, root: string, env: NodeJS.ProcessEnv): Installed => {
  mkdirSync(Path.join(root, "etc/systemd/system"), { recursive: true })
  const [done, skipped]: [Array<string>, Array<string>] = [[], []]
  for (const step of commands(readFileSync(unit, "utf8"))) (step.startsWith("systemctl") ? skipped : done).push(step)
  const script = done.join("\n").replaceAll(/(?<=^|\s)\/(?=opt|etc)/gm, `${root}/`).replaceAll(
    `/path/to/${Path.basename(tgz)}`,
    tgz
  )
  // one shell for all, as on a host: a step may change the folder
  execFileSync("sh", ["-e", "-c", script], { cwd: root, env, stdio: ["ignore", "ignore", "inherit"] })
  return { unit: readFileSync(Path.join(root, "etc/systemd/system", Path.basename(unit)), "utf8"), done, skipped }
}
