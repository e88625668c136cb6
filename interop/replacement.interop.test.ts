/** A cluster that is moved from one implementation to the other while it runs, as docs/migration.md tells. */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { agree, type Lab, patient, scenario, told } from "./Lab.ts"
import type { Peer } from "./Peer.ts"

const common = { ...patient, label: "orders", secretKey: Buffer.alloc(32, 7).toString("base64") }

/** The member says goodbye, its process ends, and another one takes its name and its port, with these for seeds. */
const replaced = Effect.fnUntraced(function*(old: Peer, start: Lab["us"], others: ReadonlyArray<Peer>) {
  yield* old.leave
  yield* old.kill
  const successor = yield* start({ ...common, name: old.name, bindPort: old.port })
  yield* successor.join(...others.map(({ address }) => address))
  yield* agree(successor, ...others)
  return successor
})

describe("replacement", () => {
  scenario(
    "three Go members are replaced by ours one by one under their names and ports, and back, and nobody is called failed",
    (lab) =>
      Effect.gen(function*() {
        const all: Array<Peer> = []
        for (const name of ["orders-1", "orders-2", "orders-3"]) {
          const member = yield* lab.go({ ...common, name })
          if (all[0] !== undefined) yield* member.join(all[0].address)
          all.push(member)
        }
        yield* agree(...all)
        let members: ReadonlyArray<Peer> = [...all]
        for (const start of [lab.us, lab.go]) {
          for (let i = 0; i < 3; i++) {
            const [old, ...others] = members
            if (old === undefined) return
            const successor = yield* replaced(old, start, others)
            all.push(successor)
            members = [...others, successor]
          }
          // a probe of each
          yield* Effect.sleep("3 seconds")
        }
        for (const observer of all) {
          for (const { name } of members) assert.isFalse(told(observer, "failed", name), `${name}, by ${observer.name}`)
        }
      }),
    60_000
  )
})
