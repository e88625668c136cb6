/**
 * `npm run demo`: a real cluster on this machine, in seconds. Exit code 0 means that the story was true to its end:
 * every survivor agreed after each chapter. 1 means that it was not, 2 that the command line was wrong, 130 that it
 * was interrupted.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import { fileURLToPath } from "node:url"
import * as Demo from "./Demo.ts"

const Nodes = Schema.Int.check(
  Schema.isBetween({ minimum: 3, maximum: 50 }, { expected: "a number of members from 3 to 50" })
)

const participant = [fileURLToPath(new URL("./Participant.ts", import.meta.url))]

const demo = Command.make(
  "demo",
  {
    nodes: Flag.Int("nodes").pipe(
      Flag.withDescription("How many members to start (3‥50); one is killed and returns, one leaves"),
      Flag.withSchema(Nodes),
      Flag.withDefault(5)
    ),
    log: Flag.Boolean("log").pipe(
      Flag.withDescription("Lines in place of the picture, as when standard output is no terminal"),
      Flag.withDefault(false)
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("One JSON value a line"),
      Flag.withDefault(false)
    )
  },
  (options) =>
    Effect.mapError(Demo.run({ ...options, participant }), (error) => new CliError.UserError({ cause: error }))
).pipe(
  Command.withDescription("Start a cluster, kill a member, let it return, let another leave, and watch the rest agree")
)

/** A wrong command line has an exit code of its own. */
const teardown: Runtime.Teardown = (exit, onExit) =>
  Runtime.defaultTeardown(exit, (code) => {
    const error = Exit.findErrorOption(exit)
    onExit(code === 1 && error._tag === "Some" && error.value instanceof CliError.ShowHelp ? 2 : code)
  })

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // who reads has seen enough
  if (error.code === "EPIPE") process.exit(141)
  console.error(`standard output: ${error.message}`)
  process.exit(1)
})

demo.pipe(
  Command.run({ version: "0.1.0" }),
  Effect.provide(NodeServices.layer),
  (program) => NodeRuntime.runMain(program, { teardown })
)
