/** A Serf agent, as its users run it: the `serf` binary, built from its release, and its own commands. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { execFile, execFileSync, spawn } from "node:child_process"
import { createServer } from "node:net"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { PeerBroken, type PeerError, until } from "./Peer.ts"

const moduleFolder = fileURLToPath(new URL("./go", import.meta.url))
const binary = fileURLToPath(new URL("./go/bin/serf", import.meta.url))
const modfile = "-modfile=serf.mod"

/** Builds the agent; Go's build cache makes this cheap when nothing changed. Throws with the compiler's output. */
export const build = (): void => {
  execFileSync("go", ["build", modfile, "-o", binary, "github.com/hashicorp/serf/cmd/serf"], {
    cwd: moduleFolder,
    stdio: ["ignore", "inherit", "inherit"]
  })
}

/** Serf's release, from the module file. */
export const version = (): string =>
  execFileSync("go", ["list", modfile, "-m", "-f", "{{.Version}}", "github.com/hashicorp/serf"], {
    cwd: moduleFolder,
    encoding: "utf8"
  }).trim()

const Members = Schema.fromJsonString(Schema.Struct({
  members: Schema.Array(Schema.Struct({
    name: Schema.String,
    addr: Schema.String,
    status: Schema.String,
    tags: Schema.Record(Schema.String, Schema.String)
  }))
}))
type Members = (typeof Members.Type)["members"]

export interface SerfAgent {
  readonly kind: "serf"
  readonly name: string
  /** `ip:port`, where the others can join. */
  readonly address: string
  /** What the agent wrote so far, line by line. */
  readonly logs: ReadonlyArray<string>
  readonly events: ReadonlyArray<never>
  /** What `serf members` tells. */
  readonly members: Effect.Effect<Members, PeerError>
  /** Runs a command of Serf's against the agent; its output, byte for byte. */
  readonly run: (command: string, ...args: ReadonlyArray<string>) => Effect.Effect<Buffer, PeerError>
}

const freePort = Effect.callback<number>((resume) => {
  const server = createServer()
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

/** Ends the agent when our end of its input closes, so that it never outlives the test that drives it. */
const guarded = `"$0" "$@" </dev/null & agent=$!; cat >/dev/null; kill -9 $agent; wait $agent`

/** Starts an agent with Serf's `local` profile; the end of the scope kills it. */
export const start = Effect.fnUntraced(function*(name: string): Effect.fn.Return<SerfAgent, PeerError, Scope.Scope> {
  const rpc = `-rpc-addr=127.0.0.1:${yield* freePort}`
  const options = ["agent", `-node=${name}`, "-bind=127.0.0.1:0", rpc, "-profile=local", "-log-level=debug"]
  const logs: Array<string> = []
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn("sh", ["-c", guarded, binary, ...options], { stdio: "pipe" })
      for (const output of [child.stdout, child.stderr]) {
        createInterface({ input: output }).on("line", (line) => logs.push(line))
      }
      return child
    }),
    (child) =>
      Effect.callback<void>((resume) => {
        if (child.exitCode !== null) return resume(Effect.void)
        child.once("exit", () => resume(Effect.void))
        child.stdin.end()
      })
  )
  const run = (command: string, ...rest: ReadonlyArray<string>) =>
    Effect.callback<Buffer, PeerBroken>((resume) => {
      execFile(binary, [command, rpc, ...rest], { encoding: "buffer" }, (error, stdout, stderr) =>
        resume(
          error === null
            ? Effect.succeed(stdout)
            : Effect.fail(new PeerBroken({ peer: name, message: `serf ${command}: ${stderr}${stdout}` }))
        ))
    })
  const members = Effect.flatMap(run("members", "-format=json"), (output) =>
    Effect.mapError(
      Schema.decodeUnknownEffect(Members)(output.toString()),
      (error) => new PeerBroken({ peer: name, message: error.message })
    )).pipe(Effect.map((answer) => answer.members))
  const [own] = yield* until(
    `${name} answers`,
    Effect.orElseSucceed(members, (): Members => []),
    (all) => all.length === 1
  ).pipe(Effect.mapError(({ message }) => new PeerBroken({ peer: name, message: [message, ...logs].join("\n") })))
  return { kind: "serf", name, address: own?.addr ?? "", logs, events: [], members, run }
})
