import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as LostPeers from "../../../src/swim/recovery/LostPeers.ts"
import * as Tries from "../../../src/swim/recovery/Tries.ts"
import * as T from "../../support/Rules.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const INTERVAL = 10_000
const MINUTE = 60_000
const limits: LostPeers.Limits = { maxLost: 256, lostTime: 86_400_000 }

/** Groups of so many peers, the first lost first: `0.0`, `0.1`, `1.0` and so on. */
const groupsOf = (...sizes: ReadonlyArray<number>): LostPeers.LostPeers => {
  let lost = LostPeers.none
  for (const [at, size] of sizes.entries()) {
    for (let i = 0; i < size; i++) {
      lost = LostPeers.add(lost, T.remembered(`${at}.${i}`, 1 + i), at * MINUTE, limits)
    }
  }
  return lost
}

/** Tries so often, each in vain, one every interval; answers the names in turn. */
const tried = (start: LostPeers.LostPeers, attempts: number, seed = 1): ReadonlyArray<string> => {
  const random = T.seeded(seed)
  const names: Array<string> = []
  let lost = start
  for (let attempt = 0; attempt < attempts; attempt++) {
    const peer = Tries.choose(lost, attempt, random)
    if (peer === undefined) continue
    names.push(peer.name)
    lost = LostPeers.missed(lost, peer.name, 256 * MINUTE + attempt * INTERVAL, INTERVAL)
  }
  return names
}

const groupOf = (name: string) => Number(name.split(".")[0])

describe("whether a node tries", () => {
  it("is certain where it is alone", () => {
    for (const n of [0, 1]) assert.isTrue(Tries.tries(n, () => 1 - Number.EPSILON))
  })

  it.each([2, 3, 10, 100])("has a probability of one of %i members", (n) => {
    const random = T.seeded(n)
    const runs = 20_000
    let count = 0
    for (let i = 0; i < runs; i++) if (Tries.tries(n, random)) count++
    // four standard deviations
    assert.closeTo(count / runs, 1 / n, 4 * Math.sqrt((1 - 1 / n) / n / runs))
  })
})

describe("the pause until the next try", () => {
  it("is one interval on average, and between 80 % and 120 % of it", () => {
    const random = T.seeded(1)
    const pauses = Array.from({ length: 10_000 }, () => Tries.pause(INTERVAL, 0, random))
    assert.closeTo(pauses.reduce((sum, pause) => sum + pause, 0) / pauses.length, INTERVAL, 50)
    assert.isAtLeast(Math.min(...pauses), 8_000)
    assert.isBelow(Math.max(...pauses), 12_000)
    assert.isBelow(Math.min(...pauses), 8_100)
    assert.isAbove(Math.max(...pauses), 11_900)
  })

  it("is at most 40 % of one where there was no try for a while, or never", () => {
    for (const since of [8_000, 86_400_000, Infinity]) {
      assert.strictEqual(Tries.pause(INTERVAL, since, () => 0), 0)
      assert.closeTo(Tries.pause(INTERVAL, since, () => 0.999_999), 4_000, 1)
    }
  })

  it.prop("never lets tries begin sooner than 80 % of an interval after one another", [
    int(1, 100_000),
    int(0, 300_000),
    int(0, 999)
  ], ([interval, since, random]) => {
    const pause = Tries.pause(interval, since, () => random / 1_000)
    assert.isAtLeast(pause, 0)
    assert.isAtLeast(since + pause, 0.8 * interval - 1e-6)
    assert.isAtMost(pause, 1.2 * interval)
  })
})

describe("the peer that is tried", () => {
  it("is nobody where nobody is lost", () => {
    for (let i = 0; i < 10; i++) assert.isUndefined(Tries.choose(LostPeers.none, i, T.seeded(1)))
  })

  it("is one that is lost, at any attempt", () => {
    const lost = groupsOf(2, 1, 1)
    for (const attempt of [0, 1, 2, 3, 1_023, 2 ** 20 - 1, 2 ** 31 - 2, 2 ** 31 - 1, 2 ** 32 - 1, 2 ** 40 + 1]) {
      assert.isDefined(Tries.choose(lost, attempt, T.seeded(1)), `${attempt}`)
    }
  })

  it("is of the latest group that looks like a split every second time, and of the one before it every fourth", () => {
    const groups = tried(groupsOf(2, 1, 3, 1), 16).map(groupOf)
    assert.deepStrictEqual(groups.filter((_, i) => i % 2 === 0), Array.from({ length: 8 }, () => 2))
    assert.deepStrictEqual(groups.filter((_, i) => i % 4 === 1), Array.from({ length: 4 }, () => 0))
    assert.deepStrictEqual(new Set(groups.filter((_, i) => i % 4 === 3)), new Set([1, 3]))
  })

  it("is the latest single loss every second time where nothing looks like a split", () => {
    const groups = tried(groupsOf(1, 1, 1), 8).map(groupOf)
    assert.deepStrictEqual(groups.filter((_, i) => i % 2 === 0), [2, 2, 2, 2])
  })

  it("is each of a group once before one of them is tried again", () => {
    const names = tried(groupsOf(40), 40)
    assert.strictEqual(new Set(names).size, 40)
  })

  it("is by chance one of those that were never tried, so that the members of a side do not all try the same", () => {
    const firsts = new Set(Array.from({ length: 200 }, (_, seed) => tried(groupsOf(10), 1, seed)[0]))
    assert.strictEqual(firsts.size, 10)
  })

  it("is one that was lost just now, even if many of its group were tried in vain for long", () => {
    const names = Array.from({ length: 200 }, (_, i) => `old${i}`)
    let lost = LostPeers.none
    // one every 30 seconds: no pause is long enough for a new group
    for (const [i, name] of names.entries()) {
      lost = LostPeers.add(lost, T.remembered(name, 1), i * 30_000, limits)
      for (let j = 0; j < 3; j++) {
        const peer = Tries.choose(lost, 3 * i + j, T.seeded(i))
        if (peer !== undefined) lost = LostPeers.missed(lost, peer.name, i * 30_000 + j * INTERVAL, INTERVAL)
      }
    }
    const now = 200 * 30_000
    for (const name of ["x", "y"]) {
      lost = LostPeers.add(lost, T.remembered(name, 1), now, limits)
    }
    assert.strictEqual(LostPeers.groups(lost).length, 1)
    // the worst chance of 50
    const worst = Math.max(...Array.from({ length: 50 }, (_, seed) => {
      const random = T.seeded(seed)
      let next = lost
      for (let attempt = 0;; attempt++) {
        const peer = Tries.choose(next, attempt, random)
        if (peer === undefined || attempt > 100) return Infinity
        if (peer.name === "x" || peer.name === "y") return attempt + 1
        next = LostPeers.missed(next, peer.name, now + attempt * INTERVAL, INTERVAL)
      }
    }))
    assert.isAtMost(worst, 12)
  })

  it.each([
    ["of one group", [256]],
    ["of 256 groups", Array.from({ length: 256 }, () => 1)],
    ["of 128 groups", Array.from({ length: 128 }, () => 2)],
    ["of a large group and many losses since", [56, ...Array.from({ length: 200 }, () => 1)]],
    ["of a large group and many losses before", [...Array.from({ length: 200 }, () => 1), 56]]
  ])("is each of 256 within 2,100 tries, which are six hours: %s", (_, sizes) => {
    const names = new Set(tried(groupsOf(...sizes), 2_100))
    assert.strictEqual(names.size, 256)
  })

  it("is of a split of two within two tries where 200 dead are remembered besides", () => {
    for (const dead of [[...Array.from({ length: 200 }, () => 1)], [200], Array.from({ length: 100 }, () => 2)]) {
      const names = tried(groupsOf(...dead, 2), 2)
      assert.isTrue(names.some((name) => groupOf(name) === dead.length), JSON.stringify(names))
    }
  })
})
