/**
 * One node in a process of its own, for `main.ts`: it tells every accusation and verdict as a line of JSON, and blocks
 * its event loop when it is told to. It ends with its standard input.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import { createInterface } from "node:readline"
import { Memberlist, MemberlistConfig, MemberlistLive, NodeTransport } from "../src/index.ts"
import type { Told } from "./Told.ts"

const [name = "", recovery = "on", speed = "lan"] = process.argv.slice(2)

const tell = (told: Told): void => void process.stdout.write(`${JSON.stringify(told)}\n`)

const sleeper = new Int32Array(new SharedArrayBuffer(4))

/** Blocks the event loop, and leaves the processor to others. */
const block = (millis: number): void => void Atomics.wait(sleeper, 0, 0, millis)

/** Blocks it in each of the phases that callbacks run in. */
const phases = [
  block,
  (millis: number) => void setImmediate(() => block(millis)),
  (millis: number) => void setTimeout(() => block(millis), 1)
]
let turn = 0
/** Tells when the node says that it was late, which it does in its log only. */
const lateLog = Logger.make(({ fiber, message }) => {
  const [text] = [message].flat()
  if (!String(text).includes("this node was late")) return
  tell({ what: "late", detail: String(fiber.getRef(References.CurrentLogAnnotations)["detail"]) })
})

/** Probes five times as often as the LAN preset, for tests; a suspicion lasts 3 s. */
const quick = { ...MemberlistConfig.lan, probeInterval: 200, probeTimeout: 100, gossipInterval: 40, suspicionMult: 15 }

const main = Effect.gen(function*() {
  const cluster = yield* Memberlist
  yield* Effect.forkScoped(
    Stream.runForEach(cluster.events, (event) =>
      Effect.sync(() => {
        if (event._tag === "MemberSuspected" && event.verdict.reason === "Unanswered") {
          tell({ what: "accuses", member: event.member.name, detail: String(event.verdict) })
        }
        if (event._tag === "MemberFailed") {
          const what = event.verdict.reason === "Expired" ? "declares" : "loses"
          tell({ what, member: event.member.name, detail: String(event.verdict) })
        }
      })),
    { startImmediately: true }
  )
  tell({ what: "started", address: cluster.info.bound })
  const input = createInterface({ input: process.stdin })
  input.on("close", () => process.exit(0))
  input.on("line", (line) => {
    const [command, argument = ""] = line.split(" ")
    const millis = Number(argument)
    switch (command) {
      case "join":
        Effect.runFork(Effect.ignore(cluster.join([argument])))
        break
      case "block":
        phases[turn++ % phases.length]?.(millis)
        break
      case "busy": {
        // no single callback takes long, but the loop never rests
        const end = performance.now() + millis
        const chunk = () => {
          const until = performance.now() + 80
          while (performance.now() < until);
          if (performance.now() < end) setImmediate(chunk)
        }
        chunk()
        break
      }
      case "count":
        Effect.runFork(
          Effect.map(
            Effect.zip(cluster.members, cluster.counters),
            ([members, counters]) => tell({ what: "counts", members: members.length, counters: [...counters] })
          )
        )
    }
  })
  return yield* Effect.never
}).pipe(
  Effect.scoped,
  Effect.provide(
    MemberlistLive.pipe(
      Layer.provide(NodeTransport.layer),
      Layer.provide(MemberlistConfig.layer({
        ...speed === "quick" ? quick : MemberlistConfig.lan,
        name,
        bindAddress: "127.0.0.1",
        bindPort: 0,
        recovery: recovery === "on"
      })),
      Layer.provideMerge(Logger.layer([lateLog]))
    )
  )
)

NodeRuntime.runMain(main)
