/** A process that is measured: bench/child/Commands.ts is its half of the conversation. */
import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import * as Path from "node:path"
import { createInterface } from "node:readline"
import type { Readable, Writable } from "node:stream"

/** A program and its arguments. */
export type Command = readonly [program: string, ...args: ReadonlyArray<string>]

/** Bytes of memory that a process holds; `anonymous` leaves out what it shares with others of the same program. */
export interface Memory {
  readonly resident: number
  readonly anonymous: number | undefined
}

const field = (status: string, name: string): number | undefined => {
  const [, kilobytes] = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status) ?? []
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}

const memoryOf = (pid: number): Memory => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8")
    const resident = field(status, "VmRSS")
    if (resident !== undefined) return { resident, anonymous: field(status, "RssAnon") }
  } catch {
    // there is no /proc on other systems than Linux
  }
  const { stdout } = spawnSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" })
  return { resident: Number(stdout.trim()) * 1024, anonymous: undefined }
}

/**
 * Returns how often threads of a process went to sleep so far, and so were woken up; nothing where the system does not tell.
 * A thread that has ended takes its count with it.
 */
const sleepsOf = (pid: number): number | undefined => {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .map((thread) => readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8"))
      .reduce((sum, status) => sum + Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1] ?? 0), 0)
  } catch {
    return undefined
  }
}

/** A user's environment: without what `npm run` put into ours, so that the library means its published files. */
export const environment = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS$|INIT_CWD$)/i.test(name)))

interface Waiting {
  readonly resolve: (result: Readonly<Record<string, unknown>>) => void
  readonly reject: (error: Error) => void
}

const running = new Set<Child>()

/** Ends every process that is still there. */
export const endAll = (): void => {
  for (const child of running) child.kill()
}

export class Child {
  /** What it cost until its program was ready: microseconds of processor time, and milliseconds from its start. */
  readonly started: { readonly micros: number; readonly wallMillis: number; readonly memory: Memory }
  private readonly process: ChildProcessByStdio<Writable, Readable, null>
  private readonly pid: number
  private readonly waiting: Map<number, Waiting>
  private next = 0

  private constructor(
    process: ChildProcessByStdio<Writable, Readable, null>,
    pid: number,
    waiting: Map<number, Waiting>,
    started: Child["started"]
  ) {
    this.process = process
    this.pid = pid
    this.waiting = waiting
    this.started = started
  }

  /** Starts a program and waits until it is ready. */
  static async start([program, ...args]: Command): Promise<Child> {
    const name = Path.basename(args.at(-1) ?? program)
    const began = performance.now()
    const spawned = spawn(program, args, { env: environment(), stdio: ["pipe", "pipe", "inherit"] })
    await once(spawned, "spawn")
    const { pid } = spawned
    if (pid === undefined) throw new Error(`${program} was not started`)
    const waiting = new Map<number, Waiting>()
    const hello = new Promise<Child>((resolve, reject) => {
      const refuse = (why: string) => {
        const error = new Error(`${name}: ${why}`)
        reject(error)
        for (const each of waiting.values()) each.reject(error)
      }
      createInterface({ input: spawned.stdout }).on("line", (text) => {
        const line = JSON.parse(text)
        if (line.hello !== undefined) {
          const wallMillis = performance.now() - began
          resolve(new Child(spawned, pid, waiting, { micros: line.hello.micros, wallMillis, memory: memoryOf(pid) }))
          return
        }
        const asked = waiting.get(line.id)
        waiting.delete(line.id)
        if (line.ok === true) asked?.resolve(line.result)
        else asked?.reject(new Error(`${name}: ${line.error}`))
      })
      spawned.once("exit", (code, signal) => refuse(`ended with ${signal ?? code}`))
      spawned.stdin.on("error", (error) => refuse(error.message))
    })
    const child = await hello
    running.add(child)
    spawned.once("exit", () => running.delete(child))
    return child
  }

  ask(what: string, fields: Readonly<Record<string, unknown>> = {}): Promise<Readonly<Record<string, unknown>>> {
    const id = ++this.next
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
      this.process.stdin.write(`${JSON.stringify({ id, do: what, ...fields })}\n`)
    })
  }

  /** Returns the microseconds of processor time that the whole process used so far, as it reads them itself. */
  async cpu(): Promise<number> {
    return Number((await this.ask("cpu"))["micros"])
  }

  get memory(): Memory {
    return memoryOf(this.pid)
  }

  /** How often its threads have been woken up so far. */
  get wakes(): number | undefined {
    return sleepsOf(this.pid)
  }

  /** The most memory that it held since `forgetPeak`, or since its start. */
  get peak(): number {
    try {
      return field(readFileSync(`/proc/${this.pid}/status`, "utf8"), "VmHWM") ?? Number.NaN
    } catch {
      return Number.NaN
    }
  }

  forgetPeak(): void {
    try {
      writeFileSync(`/proc/${this.pid}/clear_refs`, "5")
    } catch {
      // there is no /proc on other systems than Linux
    }
  }

  kill(): void {
    this.process.kill("SIGKILL")
  }

  /** Ends the process, without a farewell. */
  async end(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    const gone = once(this.process, "exit")
    this.kill()
    await gone
  }
}
