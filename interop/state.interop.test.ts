/** Push/pull: user state and large member tables. */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { complaints, identity, kilobyte, megabyte, pair, scenario } from "./Lab.ts"
import { type Peer, until } from "./Peer.ts"
import type { Generate, PayloadView } from "./Protocol.ts"

const merged = Effect.fnUntraced(function*(peer: Peer, state: PayloadView, join: boolean) {
  yield* peer.event(
    `user state of ${state.size} bytes, join ${join}`,
    (event) =>
      event.event === "remoteState" && event.join === join && event.size === state.size &&
      event.sha256 === state.sha256
  )
})

const states: ReadonlyArray<readonly [what: string, Generate]> = [
  ["100 bytes of noise", { size: 100, seed: 3 }],
  ["256 KiB of text that compresses", { size: 256 * kilobyte, repeat: "state of the nation, " }],
  ["1 MiB of noise", { size: megabyte, seed: 5 }]
]

describe("user state", () => {
  for (const [what, state] of states) {
    for (const direction of ["we join", "Go joins"] as const) {
      scenario(`${what} is exchanged both ways when ${direction}`, (lab) =>
        Effect.gen(function*() {
          const us = yield* lab.us()
          const go = yield* lab.go()
          const ours = yield* us.setUserState({ ...state, size: state.size - 1 })
          const theirs = yield* go.setUserState(state)
          yield* direction === "we join" ? us.join(go.address) : go.join(us.address)
          yield* merged(us, theirs, true)
          yield* merged(go, ours, true)
          assert.deepStrictEqual(complaints(go), [])
          assert.deepStrictEqual(complaints(us), [])
        }))
    }
  }

  scenario("state changed later travels with the periodic push/pull of either side", (lab) =>
    Effect.gen(function*() {
      for (const initiator of ["us", "go"] as const) {
        const silent = { us: { pushPullIntervalMs: 60_000 }, go: { pushPullIntervalMs: 60_000 } }
        const [us, go] = yield* pair(lab, { ...silent, [initiator]: { pushPullIntervalMs: 300 } })
        const ours = yield* us.setUserState({ size: 2000, seed: 17 })
        const theirs = yield* go.setUserState({ size: 3000, seed: 19 })
        yield* merged(us, theirs, false)
        yield* merged(go, ours, false)
      }
    }))
})

describe("large tables", () => {
  const count = 1000
  const still = { probeIntervalMs: 60_000, pushPullIntervalMs: 60_000 }
  // the members are made up, and with recovery unknown ones are listed when they answer
  const believing = { ...still, recovery: false }

  const fakes = (peer: Peer) =>
    Effect.map(
      until(`${peer.name} knows ${count} injected members`, peer.members, (table) =>
        table.filter(({ name, state }) =>
          name.startsWith("fake-") && state === "alive"
        ).length === count),
      (table) => table.filter(({ name }) => name.startsWith("fake-")).map(identity).sort()
    )

  for (const direction of ["we join", "Go joins"] as const) {
    for (const compression of [false, true]) {
      const how = compression ? "compressed" : "plain"
      scenario(
        `a table of 1,000 members comes over whole from Go when ${direction}, ${how}`,
        (lab) =>
          Effect.gen(function*() {
            const us = yield* lab.us({ ...believing, compression })
            const go = yield* lab.go({ ...still, compression })
            yield* go.call("inject", { to: go.address, count })
            const known = yield* fakes(go)
            yield* direction === "we join" ? us.join(go.address) : go.join(us.address)
            assert.deepStrictEqual(yield* fakes(us), known)
          })
      )

      scenario(
        `a table of 1,000 members of ours comes over whole to Go when ${direction}, ${how}`,
        (lab) =>
          Effect.gen(function*() {
            const us = yield* lab.us({ ...believing, compression })
            const go = yield* lab.go({ ...still, compression })
            yield* go.call("inject", { to: us.address, count })
            const known = yield* fakes(us)
            yield* direction === "we join" ? us.join(go.address) : go.join(us.address)
            assert.deepStrictEqual(yield* fakes(go), known)
          })
      )
    }
  }
})
