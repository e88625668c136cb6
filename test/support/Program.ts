/** Examples as processes. */
import { spawn } from "node:child_process"
import * as Path from "node:path"

const folder = Path.resolve(import.meta.dirname, "../../examples")

/** The warning of a node that the machine was too busy for, which is true and says nothing of the example. */
const LATE = /^\[.*?\] WARN [^\n]*this node was late[^]*?^\}\n/gm

/** The lines of what was printed, without that warning. */
export const linesOf = ({ printed }: Program): ReadonlyArray<string> => printed.replaceAll(LATE, "").trim().split("\n")

/** An example that runs, and what it has printed so far. */
export class Program {
  printed = ""
  readonly ended: Promise<number | null>
  private readonly child
  private told = () => {}

  constructor(file: string, options: { readonly args?: ReadonlyArray<string>; readonly env?: NodeJS.ProcessEnv } = {}) {
    const { args = [], env = {} } = options
    this.child = spawn(
      process.execPath,
      ["--conditions=effect-memberlist-source", Path.join(folder, file), ...args],
      { env: { ...process.env, NO_COLOR: "1", ...env }, stdio: ["ignore", "pipe", "pipe"] }
    )
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding("utf8")
      stream.on("data", (text: string) => {
        this.printed += text
        this.told()
      })
    }
    this.ended = new Promise((resolve) => this.child.once("close", resolve))
  }

  /** Waits until it prints this; an error when it ends without. */
  async prints(what: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = what.exec(this.printed)
      if (found !== null) return found
      const ended = await Promise.race([
        this.ended.then(() => true),
        new Promise<boolean>((resolve) => {
          this.told = () => resolve(false)
        })
      ])
      if (ended && !what.test(this.printed)) throw new Error(`never printed ${what}: ${this.printed}`)
    }
  }

  /** Does nothing when it has ended. */
  readonly kill = (): void => void this.child.kill("SIGKILL")

  signal(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal)
    return this.ended
  }
}
