/**
 * A process that speaks JSON lines: requests with an `id` on its stdin; answers, and events without one, on its stdout.
 * The Go peer of the interop scenarios speaks the same.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Session } from "./Session.ts"

export type Fields = Readonly<Record<string, unknown>>

interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

/** Node's compile cache shortens the start of our processes, of which a run starts more than a hundred. */
const env = {
  ...process.env,
  NODE_COMPILE_CACHE: fileURLToPath(new URL("../../node_modules/.cache/attack", import.meta.url))
}

/** Our own program in a process of its own, in the way that this repository runs its sources. */
export const node = (program: URL, ...args: ReadonlyArray<string>): ReadonlyArray<string> => [
  process.execPath,
  "--conditions=effect-memberlist-source",
  fileURLToPath(program),
  ...args
]

export class Child {
  readonly name: string
  readonly pid: number
  /** Why it is gone. */
  gone: string | undefined
  private readonly process: ChildProcess
  private readonly waiting = new Map<number, Waiting>()
  private nextId = 1
  private rest = ""

  constructor(
    session: Session,
    options: {
      readonly name: string
      readonly command: ReadonlyArray<string>
      readonly onEvent?: (event: Fields) => void
      /** Told what is written to stderr; without it, that goes nowhere. */
      readonly onLog?: (chunk: Buffer) => void
    }
  ) {
    const [program = "", ...args] = options.command
    this.name = options.name
    this.process = spawn(program, args, {
      stdio: ["pipe", "pipe", options.onLog === undefined ? "ignore" : "pipe"],
      env
    })
    this.pid = this.process.pid ?? 0
    session.onEnd(() => this.kill())
    this.process.stdin?.on("error", () => undefined)
    this.process.stdout?.setEncoding("utf8").on("data", (text: string) => this.read(text, options.onEvent))
    const { onLog } = options
    if (onLog !== undefined) this.process.stderr?.on("data", (chunk: Buffer) => onLog(chunk))
    this.process.on("error", (error) => this.end(error.message))
    this.process.on("exit", (code, signal) => this.end(signal ?? `code ${code}`))
  }

  /** The answer to a request; fails when the process refuses it, or ends before. */
  ask(command: string, fields: Fields = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.gone !== undefined) return reject(new Error(`${this.name} ended: ${this.gone}`))
      const id = this.nextId++
      this.waiting.set(id, { resolve, reject })
      this.process.stdin?.write(`${JSON.stringify({ ...fields, id, cmd: command })}\n`)
    })
  }

  async kill(): Promise<void> {
    if (this.gone !== undefined) return
    const exited = new Promise<void>((resolve) => this.process.once("exit", () => resolve()))
    this.process.kill("SIGKILL")
    await exited
  }

  private read(text: string, onEvent: ((event: Fields) => void) | undefined): void {
    const lines = (this.rest + text).split("\n")
    this.rest = lines.pop() ?? ""
    for (const line of lines) {
      if (line === "") continue
      const fields = JSON.parse(line) as Fields
      const { id } = fields
      if (typeof id === "number") this.answer(id, fields)
      else onEvent?.(fields)
    }
  }

  private answer(id: number, fields: Fields): void {
    const waiting = this.waiting.get(id)
    this.waiting.delete(id)
    if (fields["ok"] === true) return waiting?.resolve(fields["result"])
    const { message = "refused" } = (fields["error"] ?? {}) as { readonly message?: string }
    waiting?.reject(new Error(`${this.name}: ${message}`))
  }

  private end(why: string): void {
    this.gone ??= why
    for (const { reject } of this.waiting.values()) reject(new Error(`${this.name} ended: ${why}`))
    this.waiting.clear()
  }
}
