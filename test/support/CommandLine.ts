/** Runs of the command line in this process: what it prints, and its exit code. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Terminal from "effect/Terminal"
import { run as runProgram } from "../../src/agent/cli/Program.ts"
import { Signalled } from "../../src/agent/cli/Signalled.ts"

export interface Run {
  readonly code: number
  readonly out: string
  readonly err: string
}

const refuse: typeof globalThis.fetch = () => Promise.reject(new TypeError("fetch failed"))

/** Runs a command line with these variables alone, and no terminal. What it asks an agent goes to `fetch`. */
export const run = Effect.fnUntraced(function*(
  args: ReadonlyArray<string>,
  { columns, env = {}, fetch, stdin }: {
    /** Those of a terminal. */
    readonly columns?: number
    readonly env?: Readonly<Record<string, string>>
    readonly fetch?: typeof globalThis.fetch
    readonly stdin?: string
  } = {}
): Effect.fn.Return<Run> {
  const out: Array<string> = []
  const err: Array<string> = []
  const into = (lines: Array<string>) => (...parts: ReadonlyArray<unknown>) => void lines.push(parts.join(" "))
  const silent: Console.Console = Object.assign(Object.create(console), { log: into(out), error: into(err) })
  const code = yield* runProgram(args, "1.2.3").pipe(
    Effect.provideService(Console.Console, silent),
    Effect.provideService(Signalled, { exitCode: 130 }),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: { ...env } })),
    Effect.provideService(TerminalCapabilities.TerminalCapabilities, {
      canColor: false,
      canAnimate: false,
      canPrompt: false
    }),
    Effect.provideService(FetchHttpClient.Fetch, fetch ?? refuse),
    Effect.provideService(
      Stdio.Stdio,
      Stdio.make({
        stdoutIsTerminal: Effect.succeed(columns !== undefined),
        args: Effect.succeed(args),
        stdin: Stream.make(new TextEncoder().encode(stdin ?? "")),
        stdout: () => Sink.drain,
        stderr: () => Sink.drain
      })
    ),
    Effect.updateService(
      Terminal.Terminal,
      (terminal) => columns === undefined ? terminal : Terminal.make({ ...terminal, columns: Effect.succeed(columns) })
    ),
    Effect.provide(NodeServices.layer)
  )
  return { code, out: out.join("\n"), err: err.join("\n") }
})
