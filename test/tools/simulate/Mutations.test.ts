/**
 * The explorer's own test: rules broken on purpose, one at a time, and how many seeds it takes to notice. The rules are
 * replaced from here; nothing in `src` knows of it.
 */
import { afterEach, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { vi } from "vitest"
import { faultClasses, make, type Options } from "../../../simulate/explorer/Plan.ts"
import { run } from "../../../simulate/explorer/Run.ts"
import type * as HubRules from "../../../src/engine/application/Hub.ts"
import type * as CallsRules from "../../../src/engine/life/Calls.ts"
import type * as GoodbyeRules from "../../../src/engine/life/Goodbye.ts"
import type * as LifeRules from "../../../src/engine/life/Life.ts"
import type * as AcksRules from "../../../src/engine/probing/Acks.ts"
import type * as ReceiptsRules from "../../../src/engine/sending/Receipts.ts"
import type * as SupervisorRules from "../../../src/engine/Supervisor.ts"
import type * as Timer from "../../../src/engine/suspicion/Timer.ts"
import type * as BroadcastQueueRules from "../../../src/swim/gossip/BroadcastQueue.ts"
import type * as AnnouncementRules from "../../../src/swim/life/Announcement.ts"
import type * as StageRules from "../../../src/swim/life/Stage.ts"
import type * as TableRules from "../../../src/swim/membership/Membership.ts"
import type * as MergeRules from "../../../src/swim/membership/Merge.ts"
import type * as PrecedenceRules from "../../../src/swim/membership/Precedence.ts"
import type * as RefuteRules from "../../../src/swim/membership/Refute.ts"
import type * as RoundRules from "../../../src/swim/probing/Round.ts"
import type * as LostPeersRules from "../../../src/swim/recovery/LostPeers.ts"
import type * as TriesRules from "../../../src/swim/recovery/Tries.ts"
import * as Deadlines from "../../../src/swim/suspicion/Deadlines.ts"
import type * as ExpiryRules from "../../../src/swim/suspicion/Expiry.ts"

/** The rule that is broken now. */
const broken = vi.hoisted(() => ({ rule: "none" }))
const is = (rule: string) => broken.rule === rule

vi.mock("../../../src/swim/membership/Precedence.ts", async (importOriginal) => {
  const original = await importOriginal<typeof PrecedenceRules>()
  return {
    ...original,
    decideAlive: (c: Parameters<typeof original.decideAlive>[0]) =>
      is("alive at an equal incarnation wins over dead") && !c.self && c.sameAddress && c.order === 0 &&
        c.state === "dead"
        ? "Accept"
        : original.decideAlive(c),
    decideSuspect: (c: Parameters<typeof original.decideSuspect>[0]) =>
      is("accusations are not refuted") && c.self ? "OldIncarnation" : original.decideSuspect(c),
    decideDead: (c: Parameters<typeof original.decideDead>[0]) => {
      if (is("accusations are not refuted") && c.self && !c.leaving) return "OldIncarnation"
      if (is("death of an older incarnation is believed") && !c.self && c.order < 0 && c.state === "alive") {
        return "Accept"
      }
      const present = c.state === "alive" || c.state === "suspect"
      if (is("a node believes that it is dead") && c.self && present && c.order >= 0) return "Accept"
      return original.decideDead(c)
    }
  }
})

vi.mock("../../../src/swim/suspicion/Expiry.ts", async (importOriginal) => {
  const original = await importOriginal<typeof ExpiryRules>()
  const expire: typeof original.expire = (m, env) => {
    if (is("suspicions never expire")) return [{ ...m, deadlines: Deadlines.none }, []]
    return original.expire(m, is("suspicions expire at once") ? { ...env, now: env.now + 1e9 } : env)
  }
  return { ...original, expire }
})

vi.mock("../../../src/engine/suspicion/Timer.ts", async (importOriginal) => {
  const original = await importOriginal<typeof Timer>()
  const loop: typeof original.loop = (node) =>
    is("nobody waits for the end of a suspicion") ? Effect.never : original.loop(node)
  return { ...original, loop }
})

vi.mock("../../../src/swim/life/Announcement.ts", async (importOriginal) => {
  const original = await importOriginal<typeof AnnouncementRules>()
  const update: typeof original.update = (m, own, env) => {
    const [next, directives, refused] = original.update(m, own, env)
    if (!is("metadata changes without an incarnation")) return [next, directives, refused]
    const { incarnation } = m
    const self = next.entries.get(m.self)
    return [
      { ...next, incarnation, entries: next.entries.with(m.self, self && { ...self, incarnation }) },
      directives.map((directive) =>
        directive._tag === "Broadcast" ? { ...directive, claim: { ...directive.claim, incarnation } } : directive
      ),
      refused
    ]
  }
  return { ...original, update }
})

vi.mock("../../../src/swim/recovery/LostPeers.ts", async (importOriginal) => {
  const original = await importOriginal<typeof LostPeersRules>()
  const add: typeof original.add = (lost, peer, now, limits) =>
    original.add(lost, peer, now, is("as many are remembered as were lost") ? { ...limits, maxLost: 1_000 } : limits)
  return { ...original, add }
})

vi.mock("../../../src/swim/recovery/Tries.ts", async (importOriginal) => {
  const original = await importOriginal<typeof TriesRules>()
  const pause: typeof original.pause = (interval, since, random) =>
    is("a lost member is tried all the time") ? 100 : original.pause(interval, since, random)
  const tries: typeof original.tries = (n, random) => !is("nobody looks for lost members") && original.tries(n, random)
  return { ...original, pause, tries }
})

vi.mock("../../../src/swim/probing/Round.ts", async (importOriginal) => {
  const original = await importOriginal<typeof RoundRules>()
  const nextProbe: typeof original.nextProbe = (m, env) => {
    if (is("the dead are forgotten at once")) {
      return original.nextProbe(m, { ...env, rules: { ...env.rules, gossipToTheDeadTime: 0 } })
    }
    const [next, directives, target] = original.nextProbe(m, env)
    if (!is("a node forgets itself") || next.ring.index > m.ring.index) return [next, directives, target]
    return [{ ...next, entries: next.entries.with(m.self, undefined) }, directives, target]
  }
  return { ...original, nextProbe }
})

vi.mock("../../../src/swim/gossip/BroadcastQueue.ts", async (importOriginal) => {
  const original = await importOriginal<typeof BroadcastQueueRules>()
  const draw: typeof original.draw = (queue, options) =>
    original.draw(queue, is("rumours never finish") ? { ...options, retransmitLimit: Infinity } : options)
  return { ...original, draw }
})

vi.mock("../../../src/swim/membership/Membership.ts", async (importOriginal) => {
  const original = await importOriginal<typeof TableRules>()
  const aliveChanges: typeof original.aliveChanges = (entry, previous, env) =>
    original.aliveChanges(entry, previous, env).filter(({ change }) =>
      !is("recoveries are not published") || change._tag !== "Recovered"
    )
  const replace: typeof original.replace = (m, entry) => {
    const next = original.replace(m, entry)
    if (is("suspicions expire at once") && entry.suspicion !== undefined) {
      return { ...next, deadlines: Deadlines.add(next.deadlines, { name: entry.name, at: 0 }) }
    }
    return is("the table does not say when a suspicion ends") ? { ...next, deadlines: m.deadlines } : next
  }
  return { ...original, aliveChanges, replace }
})

vi.mock("../../../src/engine/probing/Acks.ts", async (importOriginal) => {
  const original = await importOriginal<typeof AcksRules>()
  const make: typeof original.make = (start) => {
    const acks = original.make(start)
    return is("nobody ends the wait for an answer that does not come") ? { ...acks, forget: () => {} } : acks
  }
  return { ...original, make }
})

vi.mock("../../../src/engine/application/Hub.ts", async (importOriginal) => {
  const original = await importOriginal<typeof HubRules>()
  const makeHub: typeof original.make = (capacity, onDrop) => {
    const hub = original.make<Parameters<ReturnType<typeof original.make>["publish"]>[0]>(capacity, onDrop)
    let count = 0
    return {
      ...hub,
      publish: (value: never) => {
        if (!is("every seventh event is lost") || ++count % 7 !== 0) hub.publish(value)
      }
    } as never
  }
  return { ...original, make: makeHub }
})

vi.mock("../../../src/swim/membership/Merge.ts", async (importOriginal) => {
  const original = await importOriginal<typeof MergeRules>()
  const { dead } = await import("../../../src/swim/membership/Dead.ts")
  const merge: typeof original.merge = (m, remote, env) => {
    if (!is("push/pull is believed about the dead")) return original.merge(m, remote, env)
    const [next, directives] = original.merge(m, remote.filter(({ state }) => state !== 2), env)
    return remote.filter(({ state }) => state === 2).reduce<ReturnType<typeof merge>>(
      ([table, all], { incarnation, name }) => {
        const [after, more] = dead(table, { _tag: "Dead", incarnation, node: name, from: m.self }, env)
        return [after, [...all, ...more]]
      },
      [next, directives]
    )
  }
  return { ...original, merge }
})

vi.mock("../../../src/swim/membership/Refute.ts", async (importOriginal) => {
  const original = await importOriginal<typeof RefuteRules>()
  const refute: typeof original.refute = (m, own, claim, env) =>
    is("a refutation goes back to the first incarnation")
      ? original.refute({ ...m, incarnation: 0 }, own, { ...claim, incarnation: 0 }, env)
      : original.refute(m, own, claim, env)
  return { ...original, refute }
})

vi.mock("../../../src/engine/life/Goodbye.ts", async (importOriginal) => {
  const original = await importOriginal<typeof GoodbyeRules>()
  const straight: typeof original.straight = (node, goodbye) =>
    is("a release says no goodbye") ? Effect.void : original.straight(node, goodbye)
  return { ...original, straight }
})

vi.mock("../../../src/engine/Supervisor.ts", async (importOriginal) => {
  const original = await importOriginal<typeof SupervisorRules>()
  const supervise: typeof original.supervise = (name, node, loop) =>
    is("the gossip of a closed node goes on") && name === "gossiper"
      ? Effect.asVoid(Effect.forkDetach(loop))
      : original.supervise(name, node, loop)
  return { ...original, supervise }
})

vi.mock("../../../src/engine/life/Calls.ts", async (importOriginal) => {
  const original = await importOriginal<typeof CallsRules>()
  const wrapped: typeof original.make = (...parts) =>
    Effect.map(original.make(...parts), (calls): CallsRules.Calls => ({
      ...calls,
      run: (operation, call) =>
        is("calls go on after the release")
          ? call
          : is("callers cannot be interrupted")
          ? Effect.uninterruptible(calls.run(operation, call))
          : calls.run(operation, call)
    }))
  return { ...original, make: wrapped }
})

vi.mock("../../../src/engine/life/Life.ts", async (importOriginal) => {
  const original = await importOriginal<typeof LifeRules>()
  const introduced: typeof original.introduced = (node, to, above, exchange) =>
    is("a join of one node succeeds before its list is sent") && node.name === "n1"
      ? original.introduced(node, to, above, Effect.succeed(undefined as never))
      : original.introduced(node, to, above, exchange)
  const leaveAtOnce: typeof original.leaveAtOnce = (node) =>
    is("a scoped join does not leave") ? Effect.void : original.leaveAtOnce(node)
  return { ...original, introduced, leaveAtOnce }
})

vi.mock("../../../src/swim/life/Stage.ts", async (importOriginal) => {
  const original = await importOriginal<typeof StageRules>()
  const decide: typeof original.decide = (stage, call) => {
    if (is("a leave changes nothing") && call._tag === "Leave") return { stage, says: "Nothing" }
    const verdict = original.decide(stage, call)
    return is("a return that fails says no goodbye") && call._tag === "Settle"
      ? { ...verdict, says: "Nothing" }
      : verdict
  }
  return { ...original, decide }
})

vi.mock("../../../src/engine/sending/Receipts.ts", async (importOriginal) => {
  const original = await importOriginal<typeof ReceiptsRules>()
  const makeReceipts: typeof original.make = () => {
    const receipts = original.make()
    return {
      ...receipts,
      sent: (messages, to, ping = -1) => {
        receipts.sent(messages, to, ping)
        if (is("what was sent counts as confirmed")) receipts.answered(ping)
      }
    }
  }
  return { ...original, make: makeReceipts }
})

/** What is explored. */
type Course = Pick<Options, "minutes" | "mask">

const everything: Course = { minutes: 1, mask: [] }

/**
 * Partitions that outlast a suspicion, and nothing else: restarts and calls join again what was apart, so that nobody
 * has to look for anybody.
 */
const partitions: Course = { minutes: 3, mask: faultClasses.filter((name) => name !== "partition") }

/** Each mutation, the seeds within which it must be caught, what catches it, and in what. */
const mutations: ReadonlyArray<
  readonly [rule: string, seeds: number, kinds: ReadonlyArray<string>, course?: Course]
> = [
  ["alive at an equal incarnation wins over dead", 20, ["Resurrection"]],
  ["accusations are not refuted", 60, ["FalseDeath", "Liveness"]],
  ["death of an older incarnation is believed", 20, ["IncarnationWentBack"]],
  ["a node believes that it is dead", 10, ["SelfDead"]],
  ["suspicions never expire", 10, ["OverdueSuspicion"]],
  ["nobody waits for the end of a suspicion", 10, ["OverdueSuspicion"]],
  ["the table does not say when a suspicion ends", 10, ["OverdueSuspicion"]],
  ["suspicions expire at once", 10, ["HastySuspicion"]],
  ["metadata changes without an incarnation", 10, ["MetadataOfIncarnation"]],
  ["a node forgets itself", 10, ["Forgotten"]],
  ["the dead are forgotten at once", 10, ["Forgotten"]],
  ["rumours never finish", 10, ["Bounds"]],
  ["nobody ends the wait for an answer that does not come", 10, ["Bounds"]],
  ["as many are remembered as were lost", 20, ["Bounds"]],
  ["a lost member is tried all the time", 10, ["Bounds"]],
  ["nobody looks for lost members", 20, ["Liveness"], partitions],
  ["recoveries are not published", 10, ["Events"]],
  ["every seventh event is lost", 10, ["EventStream"]],
  ["push/pull is believed about the dead", 10, ["HastySuspicion", "NeverSaid"]],
  ["a refutation goes back to the first incarnation", 10, ["IncarnationWentBack"]],
  ["a release says no goodbye", 10, ["Goodbye"]],
  ["the gossip of a closed node goes on", 10, ["AfterClose"]],
  ["calls go on after the release", 10, ["Call"]],
  ["callers cannot be interrupted", 10, ["Call"]],
  ["a join of one node succeeds before its list is sent", 20, ["Call"]],
  ["a scoped join does not leave", 10, ["Call"]],
  ["a leave changes nothing", 10, ["Call"]],
  ["a return that fails says no goodbye", 20, ["Call"]],
  ["what was sent counts as confirmed", 20, ["Call"]]
]

const courses = mutations.map(([rule, seeds, kinds, course = everything]) => [rule, seeds, kinds, course] as const)

const lives = (seed: number, course: Course) => run(make({ ...course, seed, nodes: 4 }))

describe("a broken rule is caught by the explorer", () => {
  afterEach(() => {
    broken.rule = "none"
  })

  it.each(courses)("%s: within %i seeds", (rule, seeds, kinds, course) => {
    broken.rule = rule
    for (let seed = 1; seed <= seeds; seed++) {
      const { failures } = lives(seed, course)
      if (failures.length === 0) continue
      assert.isTrue(failures.some(({ kind }) => kinds.includes(kind)), JSON.stringify(failures[0]))
      return
    }
    assert.fail(`nothing was noticed in ${seeds} seeds`)
  })

  it("and nothing is when no rule is broken", () => {
    assert.deepStrictEqual(lives(1, everything).failures, [])
    assert.deepStrictEqual(lives(1, partitions).failures, [])
  })
})
