#!/usr/bin/env node
/**
 * The program `effect-memberlist`.
 *
 * @since 0.1.0
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { VERSION } from "../PackageVersion.ts"
import { DEMO_MEMBER, run } from "./Program.ts"
import { Signalled } from "./Signalled.ts"

// who reads this has read enough: `effect-memberlist monitor | head`
process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
  if (code === "EPIPE") process.exit(0)
  process.stderr.write(`effect-memberlist: cannot write to standard output: ${code}\n`, () => process.exit(1))
})
// there is nobody left to tell
process.stderr.on("error", () => process.exit(1))

const signalled = { exitCode: 130 }

const [first, ...seeds] = process.argv.slice(2)

/** A command of a user, or a member that the demo started. */
const program = first === DEMO_MEMBER
  ? Effect.flatMap(Effect.promise(() => import("../demo/DemoMember.ts")), ({ participate }) => participate(seeds))
  : run(process.argv.slice(2), VERSION)

program.pipe(
  Effect.provideService(Signalled, signalled),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    teardown: (exit, onExit) => {
      if (Exit.isSuccess(exit)) return onExit(typeof exit.value === "number" ? exit.value : 0)
      return onExit(Cause.hasInterruptsOnly(exit.cause) ? signalled.exitCode : 1)
    }
  })
)
