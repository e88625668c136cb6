/** An older release of the reference, with the MessagePack library of its time, in one cluster with us. */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { agree, change, scenario, sees, talk, told, unconfirmed } from "./Lab.ts"
import { type StartOptions } from "./Protocol.ts"

const secretKey = Buffer.alloc(32, 10).toString("base64")

const wrappings: Record<string, Partial<StartOptions>> = {
  plain: { compression: false },
  compressed: { compression: true },
  "labelled, encrypted and compressed": { compression: true, label: "old friends", secretKey }
}

describe("older generation", () => {
  for (const [name, options] of Object.entries(wrappings)) {
    scenario(
      `${name}: we join an older Go node, and everything is understood both ways`,
      (lab) =>
        Effect.gen(function*() {
          const old = yield* lab.oldGo(options)
          const us = yield* lab.us(options)
          yield* us.join(old.address)
          yield* talk(us, old)
        })
    )

    scenario(
      `${name}: an older Go node joins us, and everything is understood both ways`,
      (lab) =>
        Effect.gen(function*() {
          const old = yield* lab.oldGo(options)
          const us = yield* lab.us(options)
          yield* old.join(us.address)
          yield* talk(us, old)
        })
    )
  }

  scenario("we, an older and a current Go node see each other leave and fail", (lab) =>
    Effect.gen(function*() {
      const [us, old, go] = yield* Effect.all([lab.us(unconfirmed), lab.oldGo(unconfirmed), lab.go(unconfirmed)])
      yield* old.join(us.address)
      yield* go.join(us.address)
      yield* agree(us, old, go)
      yield* old.leave
      yield* change(us, "left", old.name)
      yield* sees(go, old.name, "left", (member) => member.state === "left")
      yield* go.kill
      yield* change(us, "failed", go.name)
      assert.isFalse(told(us, "failed", old.name))
    }))

  scenario("killed, we are declared failed by an older Go node", (lab) =>
    Effect.gen(function*() {
      const [us, old] = yield* Effect.all([lab.us(), lab.oldGo()])
      yield* us.join(old.address)
      yield* agree(us, old)
      yield* us.kill
      yield* change(old, "failed", us.name)
    }))
})
