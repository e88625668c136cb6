/** The agents of a run: processes of the command line as users start it, each watched from inside. */
import { buildSync } from "esbuild"
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { cpSync, mkdirSync, rmSync } from "node:fs"
import * as Path from "node:path"
import { createInterface } from "node:readline"
import { environment } from "../run/Child.ts"
import { buildPackage, root } from "../run/Stage.ts"
import type { Observed } from "./observe.ts"

/** The program of the agent, and what Node.js is told. */
export interface Built {
  readonly program: string
  readonly flags: ReadonlyArray<string>
}

const folder = Path.join(root, "bench/dist/agent")

/** What is loaded before the agent: compiled, because what strips types at run time has memory of its own. */
const observer = (): string => {
  const outfile = Path.join(folder, "observe.js")
  buildSync({ entryPoints: [Path.join(import.meta.dirname, "observe.ts")], outfile, format: "esm", logLevel: "error" })
  return `--import=${outfile}`
}

/** The agent from its sources: nothing is built, and it takes longer to start, and more memory. */
export const fromSource = (): Built => {
  mkdirSync(folder, { recursive: true })
  return {
    program: Path.join(root, "src/agent/cli/main.ts"),
    flags: ["--conditions=effect-memberlist-source", observer()]
  }
}

/** The agent as it is published. */
export const build = (): Built => {
  const installed = Path.join(folder, "node_modules/effect-memberlist")
  rmSync(folder, { recursive: true, force: true })
  buildPackage(root, Path.join(installed, "dist"))
  cpSync(Path.join(root, "package.json"), Path.join(installed, "package.json"))
  return { program: Path.join(installed, "dist/agent/cli/main.js"), flags: [observer()] }
}

/** What an agent's health tells; more than is used here. */
export interface Health {
  readonly score: number
  readonly members: Readonly<Record<string, number>>
  readonly counters: Readonly<Record<string, number>>
}

const environmentOf = () =>
  Object.fromEntries(Object.entries(environment()).filter(([name]) => !/^(MEMBERLIST_|OTEL_)/.test(name)))

const running = new Set<ChildProcess>()

/** Ends every process that is still there. */
export const endAll = (): void => {
  for (const child of running) child.kill("SIGKILL")
}

/** Starts a program of this folder, or an agent, with which this one exchanges messages. */
const started = (program: string, args: ReadonlyArray<string>, flags: ReadonlyArray<string>): ChildProcess => {
  const child = fork(program, args, {
    execArgv: [...flags],
    env: environmentOf(),
    stdio: ["ignore", "pipe", "inherit", "ipc"]
  })
  running.add(child)
  child.once("exit", () => running.delete(child))
  return child
}

/** Waits for the next message of a process; an error when it ends before. */
const told = async <A>(child: ChildProcess, name: string): Promise<A> => {
  const gone = new AbortController()
  const { signal } = gone
  try {
    const ended = once(child, "exit", { signal }).then(([code, by]): never => {
      throw new Error(`${name} ended with ${by ?? code}`)
    })
    const [message] = await Promise.race([once(child, "message", { signal }), ended])
    return message
  } finally {
    gone.abort()
  }
}

/** A process that loads an agent. */
export class Loader {
  private readonly child: ChildProcess
  private readonly name: string

  constructor(name: "callers" | "readers") {
    this.name = name
    this.child = started(Path.join(import.meta.dirname, `${name}.ts`), [], [])
  }

  /** Asks, and waits for the answer. */
  async ask<A>(request: object): Promise<A> {
    const answer = told<A & { readonly error?: string }>(this.child, this.name)
    this.child.send(request)
    const { error, ...rest } = await answer
    if (error !== undefined) throw new Error(`${this.name}: ${error}`)
    return rest as A
  }

  end(): void {
    this.child.kill("SIGKILL")
  }
}

interface Logged {
  readonly level: string
  readonly message: unknown
}

/** An agent. */
export class Agent {
  readonly name: string
  /** Where members reach it, and where its API is. */
  readonly address: string
  readonly url: string
  readonly warnings: Array<string>
  private readonly child: ChildProcess
  private isStopping = false

  private constructor(child: ChildProcess, name: string, [address, url]: [string, string], warnings: Array<string>) {
    this.child = child
    this.name = name
    this.address = address
    this.url = url
    this.warnings = warnings
  }

  static async start({ flags, program }: Built, name: string, seed: string | undefined): Promise<Agent> {
    const args = ["agent", "--name", name, "--bind", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log-format", "json"]
    const child = started(program, seed === undefined ? args : [...args, "--join", seed], flags)
    const warnings: Array<string> = []
    const ready = new Promise<[string, string]>((resolve, reject) => {
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
        const { level, message } = JSON.parse(line) as Logged
        const text = String(message)
        if (level !== "INFO") warnings.push(`${name}: ${level} ${text}`)
        const [, address, url] = /members reach it at (\S+), HTTP at (\S+)/.exec(text) ?? []
        if (address !== undefined && url !== undefined) resolve([address, url])
      })
      child.once("exit", (code, by) => reject(new Error(`${name} ended with ${by ?? code}`)))
    })
    const agent = new Agent(child, name, await ready, warnings)
    // nothing that is measured without it says anything
    child.once("exit", (code, by) => {
      if (!agent.isStopping) throw new Error(`${name} ended with ${by ?? code}`)
    })
    return agent
  }

  /** What the process cost so far, and the delays since the last time this was asked. */
  async observe(): Promise<Observed> {
    const answer = told<{ readonly observed: Observed }>(this.child, this.name)
    this.child.send("observe")
    return (await answer).observed
  }

  /** Megabytes of its heap that are still there after a full collection. */
  async held(): Promise<number> {
    const answer = told<{ readonly held: number }>(this.child, this.name)
    this.child.send("held")
    return (await answer).held
  }

  private async get<A>(path: string): Promise<A> {
    try {
      return await (await fetch(this.url + path)).json() as A
    } catch (error) {
      throw new Error(`${this.name} does not answer ${path}`, { cause: error })
    }
  }

  health(): Promise<Health> {
    return this.get("/v1/health")
  }

  /** Its verdicts, each in one line. */
  async verdicts(): Promise<ReadonlyArray<string>> {
    const verdicts = await this.get<ReadonlyArray<{ readonly text: string }>>("/v1/verdicts")
    return verdicts.map(({ text }) => `${this.name}: ${text}`)
  }

  /** Tells it to stop, and waits until it has. */
  async stop(): Promise<void> {
    this.isStopping = true
    const gone = once(this.child, "exit")
    this.child.kill("SIGTERM")
    await gone
  }
}
