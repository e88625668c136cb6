/**
 * `npm run simulate`: lives through a cluster's bad days, one for each seed, and checks every step of every node.
 * Exit code 0 means that nothing was found.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { explore } from "./explorer/CommandLine.ts"

// Whoever reads has read enough (`| head`): the end that a signal would have been.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(141)
  throw error
})

explore.pipe(Command.run({ version: "0.1.0" }), Effect.provide(NodeServices.layer), NodeRuntime.runMain)
