/**
 * The judges of calls and of goodbyes, each with what it accepts and what it tells of, made by hand.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Called, CallName, Life } from "../../../simulate/explorer/Calls.ts"
import { Calls, Goodbyes, halfway, Knowledge, Weather } from "../../../simulate/explorer/Lifecycle.ts"
import type { Planned } from "../../../simulate/explorer/Plan.ts"
import type { Node } from "../../../src/engine/Node.ts"
import type { Memberlist } from "../../../src/Memberlist.ts"
import { MemberlistClosed } from "../../../src/MemberlistError.ts"
import * as Announcement from "../../../src/swim/life/Announcement.ts"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import * as Dead from "../../../src/swim/membership/Dead.ts"
import * as Membership from "../../../src/swim/membership/Membership.ts"
import { idle } from "../../support/Observations.ts"
import { alive, announce, dead, env, force, ip, leave, own } from "../../support/Rules.ts"

/** A node whose steps the judges see. */
class Player {
  table: Membership.Membership
  private readonly node: Node
  private readonly knowledge: Knowledge

  constructor(node: Node, knowledge: Knowledge) {
    this.node = node
    this.knowledge = knowledge
    this.table = Membership.make(node.name)
    this.step(0, (m) => announce(m, own, env()))
  }

  step(now: number, rule: (m: Membership.Membership) => Membership.Step) {
    const previous = this.table
    const [next, directives] = rule(previous)
    this.table = next
    const observation = { node: this.node, now, previous, next, directives }
    this.knowledge.take(observation, now)
    return observation
  }

  hears(name: string, incarnation = 1, now = 0) {
    return this.step(
      now,
      (m) => Alive.alive(m, alive(name, incarnation, { addr: ip(name.charCodeAt(0)) }), env({ now }))
    )
  }

  isTold(name: string, incarnation: number, from: string, now = 0) {
    return this.step(now, (m) => Dead.dead(m, dead(name, incarnation, from), env({ now })))
  }

  leaves(now: number) {
    return this.step(now, (m) => leave(m, env({ now })))
  }

  closes(now: number) {
    return this.step(now, (m) => {
      const [next, directives] = Announcement.close(m, env({ now }))
      return [next, directives]
    })
  }
}

const planned = (fault: Planned["fault"], at: number, duration: number): Planned => ({
  id: 0,
  class: "loss",
  at,
  for: duration,
  fault
})

/** Two nodes that know each other, or do not, and the judges. */
const players = Effect.fnUntraced(
  function*(options: { readonly script?: ReadonlyArray<Planned>; readonly strangers?: boolean } = {}) {
    const knowledge = new Knowledge()
    const weather = new Weather(options.script ?? [], () => 0)
    const a = new Player(yield* idle("a"), knowledge)
    const b = new Player(yield* idle("b"), knowledge)
    if (options.strangers !== true) {
      a.hears("b")
      b.hears("a")
    }
    const calls = new Calls(knowledge, weather)
    return { a, b, knowledge, calls, goodbyes: new Goodbyes(knowledge, weather) }
  }
)

type Players = Effect.Success<ReturnType<typeof players>>

const life: Life = { memberlist: {} as Memberlist["Service"], endsAt: Infinity }

/** A call of `a` about `b` that began at 1,000 and was answered at once with nothing. */
const called = ({ calls }: Players, call: CallName, more: Partial<Called> = {}): Called => {
  const happening = { _tag: "Call", node: "a", call, to: "b", interrupt: more.interruptedAt !== undefined } as const
  return {
    happening,
    life,
    beganAt: 1_000,
    begun: calls.begun(happening),
    interruptedAt: undefined,
    closedAt: undefined,
    answeredAt: 1_000,
    endedAt: more.answeredAt ?? 1_000,
    exit: Exit.void,
    ...more
  }
}

const ended = { ...life, endsAt: 500 }
const refused = Exit.fail(new MemberlistClosed({ operation: "join" }))
const interrupted = Exit.failCause(Cause.interrupt(1))

describe("the end of a call", () => {
  for (
    const [what, call, more, told] of [
      ["at once is right", "broadcast", {}, undefined],
      ["of a defect is told", "join", { exit: Exit.die("no") }, /a's join died/],
      ["by an interruption that nobody asked for is told", "ping", { exit: interrupted }, /nobody did it/],
      ["at once when it is interrupted is right", "join", { interruptedAt: 1_000, exit: interrupted }, undefined],
      [
        "later than its interruption is told",
        "join",
        { interruptedAt: 1_000, answeredAt: 1_050, exit: interrupted },
        /that was interrupted took 50 ms more, at most 0/
      ],
      [
        "of a scoped join that repeats its goodbye is right",
        "joinScoped",
        { interruptedAt: 1_000, answeredAt: 1_600, exit: interrupted },
        undefined
      ],
      ["too late is told", "leave", { answeredAt: 9_000, exit: refused }, /left alone took 8000 ms more, at most 6250/],
      [
        "by the release is right",
        "leave",
        { life: { ...life, endsAt: 1_100 }, answeredAt: 1_100, exit: refused },
        undefined
      ],
      [
        "long after the release is told",
        "leave",
        { life: { ...life, endsAt: 1_100 }, answeredAt: 3_000, exit: refused },
        /whose layer was released took 1900 ms more/
      ],
      ["as closed after the release is right", "join", { life: ended, exit: refused }, undefined],
      ["as a success after the release is told", "join", { life: ended }, /succeeded after the release/],
      [
        "with another error after the release is told",
        "join",
        { life: ended, exit: Exit.fail({ _tag: "JoinFailed" }) },
        /failed with JoinFailed after the release/
      ],
      [
        "some time after the release is told",
        "join",
        { life: ended, answeredAt: 1_100, exit: refused },
        /took 100 ms more/
      ]
    ] as const
  ) {
    it.effect(what, () =>
      Effect.gen(function*() {
        const all = yield* players()
        const complaint = all.calls.ending(called(all, call, more))
        if (told === undefined) assert.isUndefined(complaint)
        else assert.match(complaint ?? "", told)
      }))
  }

  it.effect("may come later where the host stands still", () =>
    Effect.gen(function*() {
      const all = yield* players({ script: [planned({ _tag: "Pause", hosts: ["a"] }, 900, 200)] })
      const late = called(all, "join", { interruptedAt: 1_000, answeredAt: 1_100, exit: interrupted })
      assert.isUndefined(all.calls.ending(late))
    }))
})

describe("a leave that succeeded", () => {
  it.effect("is told where the node was never outside", () =>
    Effect.gen(function*() {
      const all = yield* players()
      assert.match(all.calls.ending(called(all, "leave")) ?? "", /never outside/)
      assert.match(all.calls.ending(called(all, "joinScoped", { closedAt: 1_000 })) ?? "", /did not leave at the end/)
      const closed = called(all, "joinScoped", { closedAt: 2_000, endedAt: 2_000, life: { ...life, endsAt: 1_500 } })
      assert.isUndefined(all.calls.ending(closed))
    }))

  it.effect("is right where it was, also when a join has brought it back", () =>
    Effect.gen(function*() {
      const all = yield* players()
      all.a.leaves(1_000)
      assert.isUndefined(all.calls.ending(called(all, "leave")))
      all.a.step(1_000, (m) => announce(m, own, env()))
      assert.isUndefined(all.calls.ending(called(all, "leave")))
      assert.isUndefined(all.calls.ending(called(all, "joinScoped", { closedAt: 1_000 })))
    }))
})

describe("a node that is outside", () => {
  it.effect("has said goodbye, or that is told", () =>
    Effect.gen(function*() {
      const { a } = yield* players()
      assert.isUndefined(halfway(a.hears("c")))
      assert.isUndefined(halfway(a.leaves(1_000)))
      const silent = a.step(2_000, (m) => [force(m, "a", { state: "alive" }), []])
      assert.strictEqual(halfway(silent), "a has left, and says that it is alive")
    }))
})

describe("a join that succeeded", () => {
  const contacted = Exit.succeed({ contacted: [{ seed: "b", address: "b" }], ourselves: [], failed: [] })

  it.effect("is right where the peer has heard of the node", () =>
    Effect.gen(function*() {
      const all = yield* players()
      assert.isUndefined(all.calls.outcome(called(all, "join", { exit: contacted })))
    }))

  it.effect("is told where the peer has not, or contacted nobody", () =>
    Effect.gen(function*() {
      const all = yield* players({ strangers: true })
      const join = called(all, "join", { exit: contacted })
      assert.match(all.calls.outcome(join) ?? "", /never heard of that/)
      const nobody = called(all, "join", { exit: Exit.succeed({ contacted: [], ourselves: [], failed: [] }) })
      assert.match(all.calls.outcome(nobody) ?? "", /without a contact/)
    }))

  it.effect("is told where a node that had left is still outside, or the peer knows only its earlier life", () =>
    Effect.gen(function*() {
      const all = yield* players()
      all.a.leaves(500)
      const join = called(all, "join", { exit: contacted })
      assert.match(all.calls.outcome(join) ?? "", /still outside/)
      all.a.step(1_000, (m) => announce(m, own, env()))
      assert.match(
        all.calls.outcome(join) ?? "",
        /at incarnation 2 or above, which never heard of that, but of 1/
      )
      all.b.hears("a", 2)
      assert.isUndefined(all.calls.outcome(join))
    }))

  it.effect("is not judged where either has ended or left since", () =>
    Effect.gen(function*() {
      const all = yield* players({ strangers: true })
      const join = called(all, "join", { exit: contacted })
      all.calls.ends("b", 1_000)
      assert.isUndefined(all.calls.outcome(join))
      const other = yield* players({ strangers: true })
      const left = called(other, "join", { exit: contacted })
      other.a.leaves(1_000)
      assert.isUndefined(other.calls.outcome(left))
    }))
})

describe("the figures of news", () => {
  const report = (confirmed: number, sent: number) => Exit.succeed({ outcome: "Sent", confirmed, sent, members: 1 })

  it.effect("are right up to who knows of it", () =>
    Effect.gen(function*() {
      const all = yield* players()
      all.a.step(1_000, (m) => announce(m, own, env()))
      const update = called(all, "updateMeta", { exit: report(1, 1) })
      assert.match(all.calls.outcome(update) ?? "", /Sent, 1 of 1 sent to 1 confirmed, and 0 know of it/)
      all.b.hears("a", 2)
      assert.isUndefined(all.calls.outcome(update))
    }))

  it.effect("are told where they contradict each other", () =>
    Effect.gen(function*() {
      const all = yield* players()
      assert.match(all.calls.outcome(called(all, "updateMeta", { exit: report(2, 1) })) ?? "", /2 of 1 sent/)
      assert.match(all.calls.outcome(called(all, "updateMeta", { exit: report(0, 0) })) ?? "", /to nobody/)
    }))

  it.effect("of a goodbye count who no longer lists the node, whyever", () =>
    Effect.gen(function*() {
      const all = yield* players()
      all.a.leaves(1_000)
      const goodbye = called(all, "leave", { exit: report(1, 1) })
      assert.match(all.calls.outcome(goodbye) ?? "", /0 know of it/)
      all.b.isTold("a", 1, "b")
      assert.isUndefined(all.calls.outcome(goodbye))
    }))

  it.effect("may count who has ended since", () =>
    Effect.gen(function*() {
      const all = yield* players()
      all.a.leaves(1_000)
      all.calls.ends("b", 1_000)
      assert.isUndefined(all.calls.outcome(called(all, "leave", { exit: report(1, 1) })))
    }))
})

describe("a goodbye", () => {
  const runs = () => false

  it.effect("is right where all who list the node learn that it left", () =>
    Effect.gen(function*() {
      const { a, b, goodbyes } = yield* players()
      const goodbye = goodbyes.said(a.closes(1_000), 1_000)
      b.isTold("a", 1, "a")
      assert.isUndefined(goodbyes.missed(goodbye, 4_000, runs))
    }))

  for (const what of ["lists it still", "declares it dead"] as const) {
    it.effect(`is told where somebody ${what}`, () =>
      Effect.gen(function*() {
        const { a, b, goodbyes } = yield* players()
        const goodbye = goodbyes.said(a.closes(1_000), 1_000)
        if (what === "declares it dead") b.isTold("a", 1, "b")
        const state = what === "lists it still" ? "alive" : "dead"
        assert.strictEqual(goodbyes.missed(goodbye, 4_000, runs), `b was told that a left, and has it as ${state}`)
      }))
  }

  it.effect("is not judged by who has ended, who believed it dead before, or who knows a later life", () =>
    Effect.gen(function*() {
      const one = yield* players()
      const said = one.goodbyes.said(one.a.closes(1_000), 1_000)
      assert.isUndefined(one.goodbyes.missed(said, 4_000, () => true))
      one.b.hears("a", 2)
      assert.isUndefined(one.goodbyes.missed(said, 4_000, runs))
      const two = yield* players()
      two.b.isTold("a", 1, "b")
      assert.isUndefined(two.goodbyes.missed(two.goodbyes.said(two.a.closes(1_000), 1_000), 4_000, runs))
    }))

  const links = { from: ["a"], to: ["*"] }
  for (
    const [fault, judged] of [
      [{ _tag: "Loss", ...links, probability: 0.1 }, false],
      [{ _tag: "Cut", ...links, what: "packets" }, false],
      [{ _tag: "Cut", from: ["b"], to: ["a"], what: "packets" }, true],
      [{ _tag: "Delay", ...links, min: 0, max: 100 }, true],
      [{ _tag: "Pause", hosts: ["b"] }, false],
      [{ _tag: "Crash", hosts: ["c"], mode: "Silent" }, true],
      [{ _tag: "Partition", groups: [["a"], ["b"]] }, false]
    ] as const
  ) {
    it.effect(`is ${judged ? "" : "not "}judged in ${JSON.stringify(fault)}`, () =>
      Effect.gen(function*() {
        const { a, goodbyes } = yield* players({ script: [planned(fault, 500, 1_000)] })
        const goodbye = goodbyes.said(a.closes(1_000), 1_000)
        assert.strictEqual(goodbyes.missed(goodbye, 4_000, runs) !== undefined, judged)
        const { a: later, goodbyes: others } = yield* players({ script: [planned(fault, 500, 1_000)] })
        assert.isDefined(others.missed(others.said(later.closes(2_000), 2_000), 5_000, runs))
      }))
  }
})
