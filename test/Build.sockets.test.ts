/** A layer on real sockets whose build is interrupted, at any point: its port is free at once. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createSocket } from "node:dgram"
import { createServer } from "node:net"
import { Delegate } from "../src/Delegate.ts"
import { MemberlistLive } from "../src/Memberlist.ts"
import { MemberlistConfig } from "../src/MemberlistConfig.ts"
import * as NodeTransport from "../src/node/NodeTransport.ts"
import { interruptedAfter } from "./support/Building.ts"

/** Binds both sockets as a node would, and closes them: the port, or why it cannot be had. */
const bindBoth = (port: number) =>
  Effect.promise(async () => {
    const server = createServer()
    const chosen = await new Promise<number>((resolve, reject) => {
      server.once("error", reject)
      server.listen(port, "127.0.0.1", () => {
        const address = server.address()
        resolve(typeof address === "object" && address !== null ? address.port : 0)
      })
    })
    const socket = createSocket("udp4")
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject)
      socket.bind(chosen, "127.0.0.1", resolve)
    })
    await new Promise<void>((resolve) => socket.close(() => resolve()))
    await new Promise((resolve) => server.close(resolve))
    return chosen
  })

const live = (port: number, admit: Delegate["admit"]) =>
  MemberlistLive.pipe(
    Layer.provide(NodeTransport.layer),
    Layer.provide(
      MemberlistConfig.layer({ ...MemberlistConfig.local, name: "a", bindAddress: "127.0.0.1", bindPort: port })
    ),
    Layer.provide(Layer.succeed(Delegate, admit === undefined ? {} : { admit }))
  )

const hooks = [
  ["without hooks", undefined],
  ["whose admit hook is slow", () => Effect.sleep("5 millis")]
] as const

describe("a build that is interrupted", () => {
  for (const [what, admit] of hooks) {
    it.live(`${what}, after any number of steps, leaves no socket and no fiber behind`, () =>
      Effect.gen(function*() {
        const port = yield* bindBoth(0)
        const ends = { built: 0, "not built": 0 }
        for (let steps = 0; steps < 5000 && ends.built < 20; steps += steps < 60 ? 1 : 7) {
          const { fibers, isBuilt } = yield* interruptedAfter(steps, live(port, admit))
          yield* bindBoth(port)
          assert.strictEqual(fibers(), 0, `fibers left after ${steps} steps`)
          ends[isBuilt ? "built" : "not built"]++
        }
        assert.isAbove(ends["not built"], 50)
        assert.strictEqual(ends.built, 20)
      }), 60_000)
  }
})
