/**
 * `npm run demo`: a real cluster on this machine, in a minute. Exit code 0 means that every survivor agreed in the end.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as Report from "./Report.ts"
import * as Story from "./Story.ts"

const Nodes = Schema.Int.check(
  Schema.isBetween({ minimum: 3, maximum: 50 }, { expected: "a number of members from 3 to 50" })
)

const demo = Command.make(
  "demo",
  {
    nodes: Flag.Int("nodes").pipe(
      Flag.withDescription("How many members to start (3‥50); one is killed, one leaves"),
      Flag.withSchema(Nodes),
      Flag.withDefault(5)
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("One JSON value a line instead of tables"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function*({ json, nodes }) {
    const stdio = yield* Stdio.Stdio
    const report = json ? Report.json : Report.text(yield* stdio.stdoutIsTerminal)
    const summary = yield* Effect.scoped(Story.run(nodes, report)).pipe(
      Effect.mapError((error) => new CliError.UserError({ cause: error }))
    )
    yield* report.summary(summary)
  })
).pipe(Command.withDescription("Start a cluster, kill a member, let another leave, and watch the rest agree"))

demo.pipe(Command.run({ version: "0.1.0" }), Effect.provide(NodeServices.layer), NodeRuntime.runMain)
