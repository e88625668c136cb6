/**
 * Three agents as processes, and commands that are run against them as on a terminal of 100 columns. The agents have
 * free ports and addresses of the loopback network, and a folder of their own; what is printed has the usual ports.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stdio from "effect/Stdio"
import * as Terminal from "effect/Terminal"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import { run } from "../../src/agent/cli/Program.ts"
import { Signalled } from "../../src/agent/cli/Signalled.ts"
import { VERSION } from "../../src/agent/PackageVersion.ts"

const main = Path.resolve(import.meta.dirname, "../../src/agent/cli/main.ts")

const COLUMNS = 100
const ROWS = 20

/** The ports of the page. */
const MEMBER_PORT = 7946
const HTTP_PORT = 7980

/** The keys of the page. */
export const KEY = Buffer.alloc(32, "effect-memberlist").toString("base64")
export const NEXT_KEY = Buffer.alloc(32, "the next key").toString("base64")

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = Net.createServer()
    server.once("error", () => resolve(false))
    server.listen({ host: "0.0.0.0", port }, () => server.close(() => resolve(true)))
  })

/** Ports of four digits, as those of the page, so that its columns have their widths. */
const freePort = async (from: number): Promise<number> => {
  for (let port = from; port < 9999; port++) if (await isFree(port)) return port
  throw new Error("no port of four digits is free")
}

/** A command, what it printed, and its exit code. */
export interface Run {
  readonly command: string
  readonly printed: string
  readonly code: number
}

/** How a command is run. */
export interface Options {
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
  /** Ends it, as Ctrl-C does, when it has printed as many lines. */
  readonly lines?: number
}

const split = (command: string): ReadonlyArray<string> =>
  [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "")

const escapes = new RegExp(String.raw`\u001b\[[?\d;]*[A-Za-z]`, "g")

/** A picture as text. */
const plain = (picture: string): string => picture.replace(escapes, "").replaceAll("\r\n", "\n")

const Q: Terminal.UserInput = {
  input: Option.some("q"),
  key: { name: "q", ctrl: false, meta: false, shift: false }
}

/** Three agents, and what commands say of them. */
export class Transcript {
  private readonly folder = mkdtempSync(Path.join(tmpdir(), "transcript-"))
  private readonly agents = new Map<string, ChildProcess>()
  private readonly logs = new Map<string, string>()

  private readonly memberPort: number
  private readonly httpPort: number

  private constructor(memberPort: number, httpPort: number) {
    this.memberPort = memberPort
    this.httpPort = httpPort
  }

  /** Puts a key of the page in the place of the one that was made, so that its fingerprint is the same each time. */
  keep(file: string, key: string): void {
    writeFileSync(Path.join(this.folder, file), `${key}\n`)
  }

  static async make(): Promise<Transcript> {
    const memberPort = await freePort(8100 + Math.floor(process.pid % 900))
    return new Transcript(memberPort, await freePort(memberPort + 1))
  }

  /** The text with the real ports and files. */
  private real(text: string): string {
    return text
      .replaceAll(`:${MEMBER_PORT}`, `:${this.memberPort}`)
      .replaceAll(`:${HTTP_PORT}`, `:${this.httpPort}`)
      .replaceAll(/\b[\w-]+\.key\b/g, (file) => Path.join(this.folder, file))
  }

  /** The text with those of the page. */
  private shown(text: string): string {
    return text
      .replaceAll(`:${this.memberPort}`, `:${MEMBER_PORT}`)
      .replaceAll(`:${this.httpPort}`, `:${HTTP_PORT}`)
      .replaceAll(`${this.folder}/`, "")
  }

  /** Starts an agent, and waits until it says that it runs. */
  async start(command: string, env: Readonly<Record<string, string>> = {}): Promise<void> {
    const args = split(this.real(command))
    const name = args[args.indexOf("--name") + 1] ?? ""
    const child = spawn(process.execPath, [main, ...args], {
      env: { ...process.env, NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"]
    })
    this.agents.set(name, child)
    await new Promise<void>((resolve, reject) => {
      const hear = (text: string) => {
        this.logs.set(name, (this.logs.get(name) ?? "") + text)
        if (/HTTP at/.test(this.logs.get(name) ?? "")) resolve()
      }
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", hear)
      child.once("exit", () => reject(new Error(`the agent ended: ${this.logs.get(name)}`)))
    })
  }

  /** What an agent has logged. */
  log(name: string): string {
    return this.shown(this.logs.get(name) ?? "").trim()
  }

  /** Ends an agent by a signal, and waits for it. */
  async signal(name: string, signal: NodeJS.Signals): Promise<number | null> {
    const child = this.agents.get(name)
    if (child === undefined) throw new Error(`no agent ${name}`)
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve))
    child.kill(signal)
    return ended
  }

  /** Waits until a command prints this. */
  async until(command: string, what: RegExp): Promise<void> {
    while (!what.test((await this.run(command)).printed)) await new Promise((resolve) => setTimeout(resolve, 100))
  }

  /** Waits until somebody reads a stream of the agent at this address. */
  async isRead(host: string): Promise<void> {
    for (let text = "";; await new Promise((resolve) => setTimeout(resolve, 50))) {
      if (/^memberlist_http_streams [1-9]/m.test(text)) return
      text = await (await fetch(`http://${host}:${this.httpPort}/metrics`)).text()
    }
  }

  async run(command: string, { env = {}, lines: most }: Options = {}): Promise<Run> {
    const lines: Array<string> = []
    const drawn: Array<string> = []
    const enough = Deferred.makeUnsafe<void>()
    const write = (...parts: ReadonlyArray<unknown>) => {
      lines.push(parts.join(" "))
      if (lines.length === most) Deferred.doneUnsafe(enough, Effect.void)
    }
    const printer: Console.Console = Object.assign(Object.create(console), { log: write, error: write })
    const keys = await Effect.runPromise(Queue.make<Terminal.UserInput>())
    const terminal = Layer.succeed(
      Terminal.Terminal,
      Terminal.make({
        columns: Effect.succeed(COLUMNS),
        rows: Effect.succeed(ROWS),
        size: Effect.tap(Queue.sliding(1), (queue) => Queue.offer(queue, { columns: COLUMNS, rows: ROWS })),
        readInput: Effect.succeed(keys),
        readLine: Effect.die("not read"),
        // q is pressed when the first picture is there
        display: (text) =>
          Effect.sync(() => {
            drawn.push(text)
            if (text.includes("\u001b[H")) Queue.offerUnsafe(keys, Q)
          })
      })
    )
    const program = run(split(this.real(command)), VERSION).pipe(
      Effect.provideService(Console.Console, printer),
      Effect.provideService(Signalled, { exitCode: 130 }),
      Effect.provideService(
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromEnv({ env: { MEMBERLIST_HTTP: `127.0.0.1:${this.httpPort}`, ...env } })
      ),
      Effect.provideService(TerminalCapabilities.TerminalCapabilities, {
        canColor: false,
        canAnimate: true,
        canPrompt: false
      }),
      Effect.provide([
        terminal,
        Stdio.layerTest({
          stdinIsTerminal: Effect.succeed(true),
          stdoutIsTerminal: Effect.succeed(true)
        })
      ]),
      Effect.provide(NodeServices.layer)
    )
    const code = await Effect.runPromise(
      most === undefined ? program : Effect.raceFirst(program, Effect.as(Deferred.await(enough), 130))
    )
    const picture = drawn.findLast((text) => text.includes("\u001b[H"))
    if (picture !== undefined) lines.push(plain(picture))
    return { command, printed: this.shown(lines.join("\n")), code }
  }

  async close(): Promise<void> {
    for (const child of this.agents.values()) if (child.exitCode === null) child.kill("SIGKILL")
    rmSync(this.folder, { recursive: true, force: true })
  }
}
