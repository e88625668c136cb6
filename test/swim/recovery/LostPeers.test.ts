import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as LostPeers from "../../../src/swim/recovery/LostPeers.ts"
import * as T from "../../support/Rules.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const limits: LostPeers.Limits = { maxLost: 256, lostTime: 86_400_000 }
const HOUR = 3_600_000
const INTERVAL = 10_000

const peer = (name: string) => T.remembered(name, 7946, 3)

/** Loses peers, each at its time. */
const losing = (
  losses: ReadonlyArray<readonly [name: string, at: number]>,
  more: Partial<LostPeers.Limits> = {}
): LostPeers.LostPeers =>
  losses.reduce(
    (lost, [name, at]) => LostPeers.add(lost, peer(name), at, { ...limits, ...more }),
    LostPeers.none
  )

const names = ({ peers }: LostPeers.LostPeers) => peers.map(({ name }) => name)
const grouped = (lost: LostPeers.LostPeers) => LostPeers.groups(lost).map((group) => group.map(({ name }) => name))
const dueIn = (lost: LostPeers.LostPeers, name: string, now: number) =>
  (LostPeers.find(lost, name)?.dueAt ?? Number.NaN) - now

describe("lost peers", () => {
  it("that were lost less than a minute after one another are one group, the latest group first", () => {
    const lost = losing([["a", 0], ["b", 59_999], ["c", 119_998], ["d", 179_998], ["e", 179_998]])
    assert.deepStrictEqual(grouped(lost), [["d", "e"], ["a", "b", "c"]])
  })

  it("are due at once, with no miss", () => {
    const lost = losing([["a", 5]])
    assert.deepStrictEqual(lost.peers, [{ ...peer("a"), lostAt: 5, group: 1, misses: 0, dueAt: 5 }])
  })

  it("are in the group of their last loss when they are lost again, with no miss", () => {
    const missed = LostPeers.missed(losing([["a", 0], ["b", 0]]), "a", 10, INTERVAL)
    const lost = LostPeers.add(missed, peer("a"), 70_000, limits)
    assert.deepStrictEqual(grouped(lost), [["a"], ["b"]])
    assert.strictEqual(LostPeers.find(lost, "a")?.misses, 0)
    assert.strictEqual(dueIn(lost, "a", 70_000), 0)
  })

  it("have one entry for each name, at its last address", () => {
    const moved = { ...peer("a"), endpoint: { ip: "10.0.0.7", port: 1 } }
    const lost = LostPeers.add(losing([["a", 0]]), moved, 1, limits)
    assert.deepStrictEqual(lost.peers.map(({ endpoint }) => endpoint), [moved.endpoint])
  })

  it("wait twice as long after each miss, from one interval on, and the others do not", () => {
    let lost = losing([["a", 0], ["b", 0]])
    for (const wait of [1, 2, 4, 8, 16]) {
      lost = LostPeers.missed(lost, "a", 1_000, INTERVAL)
      assert.strictEqual(dueIn(lost, "a", 1_000), wait * INTERVAL)
    }
    assert.strictEqual(LostPeers.find(lost, "a")?.misses, 5)
    assert.strictEqual(LostPeers.find(lost, "b")?.misses, 0)
    assert.strictEqual(dueIn(lost, "b", 0), 0)
  })

  it("have a time at which they are due after thousands of misses", () => {
    let lost = losing([["a", 0]])
    for (let i = 0; i < 5_000; i++) lost = LostPeers.missed(lost, "a", 0, INTERVAL)
    assert.isTrue(Number.isSafeInteger(dueIn(lost, "a", 0)))
    assert.isAbove(dueIn(lost, "a", 0), 24 * HOUR)
  })

  it("are 256 at most; the latest stay", () => {
    const lost = losing(Array.from({ length: 300 }, (_, i) => [`n${i}`, i] as const))
    assert.strictEqual(lost.peers.length, 256)
    assert.deepStrictEqual([names(lost).at(0), names(lost).at(-1)], ["n44", "n299"])
  })

  it("are none where the setting is none", () =>
    assert.deepStrictEqual(losing([["a", 0], ["b", 0]], { maxLost: 0 }), LostPeers.none))

  it("are forgotten after 24 hours, and not before", () => {
    const lost = losing([["a", 0], ["b", 1]])
    assert.strictEqual(LostPeers.recent(lost, 24 * HOUR - 1, limits), lost)
    assert.deepStrictEqual(names(LostPeers.recent(lost, 24 * HOUR, limits)), ["b"])
    assert.deepStrictEqual(names(LostPeers.recent(lost, 24 * HOUR + 1, limits)), [])
  })

  it("that are forgotten make place when another is lost", () => {
    const lost = LostPeers.add(losing([["a", 0], ["b", 1]]), peer("c"), 24 * HOUR, { ...limits, maxLost: 2 })
    assert.deepStrictEqual(names(lost), ["b", "c"])
  })

  it("are removed by name; to remove somebody unknown changes nothing", () => {
    const lost = losing([["a", 0], ["b", 0]])
    assert.deepStrictEqual(names(LostPeers.remove(lost, "a")), ["b"])
    assert.strictEqual(LostPeers.remove(lost, "c"), lost)
  })

  it("say goodbye themselves, and not before they were lost", () => {
    const lost = losing([["a", 0], ["b", 0]])
    const departed = (name: string, incarnation: number, from = name) =>
      LostPeers.departed(lost, T.dead(name, incarnation, from))
    assert.deepStrictEqual([2, 3, 4].map((incarnation) => departed("a", incarnation)), [false, true, true])
    assert.isFalse(departed("a", 4, "b"))
    assert.isFalse(departed("c", 3))
  })

  it("of a group that was told come never to be in one group with those that are lost later", () => {
    const first = { ...losing([["a", 0], ["b", 100_000], ["c", 100_000]]), told: [1, 2] }
    const without = LostPeers.remove(LostPeers.remove(first, "b"), "c")
    const lost = LostPeers.add(without, peer("d"), 200_000, limits)
    assert.notInclude(lost.told, LostPeers.find(lost, "d")?.group)
  })

  it("know of no split without a peer", () => {
    const told = { ...losing([["a", 0], ["b", 100_000]]), told: [1, 2] }
    assert.deepStrictEqual(LostPeers.remove(told, "b").told, [1])
    assert.deepStrictEqual(LostPeers.recent(told, 24 * HOUR, limits).told, [2])
  })

  const Action = Schema.Struct({
    kind: Schema.Literals(["add", "remove", "missed", "recent", "tell"]),
    name: int(0, 12),
    pause: Schema.Literals([0, 1, 1_000, 59_999, 60_000, 500_000, 20_000_000])
  })

  it.prop("keep their bounds, order and groups, whatever happens", [Schema.Array(Action)], ([actions]) => {
    const some = { maxLost: 5, lostTime: 86_400_000 }
    let lost = LostPeers.none
    let now = 0
    for (const { kind, name, pause } of actions) {
      now += pause
      const text = `n${name}`
      const before = lost
      if (kind === "add") lost = LostPeers.add(lost, peer(text), now, some)
      else if (kind === "remove") lost = LostPeers.remove(lost, text)
      else if (kind === "missed") lost = LostPeers.missed(lost, text, now, INTERVAL)
      else if (kind === "recent") lost = LostPeers.recent(lost, now, some)
      else lost = { ...lost, told: LostPeers.groups(lost).map(([{ group }]) => group) }
      assert.isAtMost(lost.peers.length, 5)
      assert.strictEqual(new Set(names(lost)).size, lost.peers.length)
      for (const [i, { dueAt, group, lostAt }] of lost.peers.entries()) {
        const previous = lost.peers[i - 1]
        assert.isAtLeast(dueAt, lostAt)
        assert.isAtLeast(lostAt, previous?.lostAt ?? 0)
        assert.isAtLeast(group, previous?.group ?? 0)
      }
      // each group that is told has somebody, and nobody comes to a group that had ended
      for (const group of lost.told) assert.isTrue(lost.peers.some((one) => one.group === group))
      const added = LostPeers.find(lost, text)
      if (kind === "add" && added !== undefined && now - (before.peers.at(-1)?.lostAt ?? -Infinity) >= 60_000) {
        assert.notInclude(before.told, added.group)
      }
    }
  })
})
