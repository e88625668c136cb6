import { assert, describe, it } from "@effect/vitest"
import {
  Agreement,
  components,
  disagreement,
  FalseDeaths,
  type Listed,
  LONGEST_PROBE,
  STEADY,
  Subscriber
} from "../../../simulate/explorer/Calm.ts"
import type { MemberEvent } from "../../../src/MemberEvent.ts"
import type { Change } from "../../../src/swim/membership/Directive.ts"
import * as Findings from "../../../src/swim/suspicion/Findings.ts"
import { entry, known, OTHER } from "../../support/Rules.ts"

const listed = (...members: ReadonlyArray<string>): ReadonlyArray<Listed> =>
  members.map((text) => {
    const [name = "", metaText = "", state = "alive"] = text.split(":")
    return { name, metaText, state }
  })

const truth = new Map([["a", "blue"], ["b", ""]])

describe("a view", () => {
  it("that lists who runs, alive and with their metadata, is the truth", () => {
    assert.isUndefined(disagreement("a", listed("b", "a:blue"), truth))
  })

  for (
    const [what, members, told] of [
      ["without somebody who runs", ["a:blue"], "a sees a instead of a b"],
      ["with somebody who does not run", ["a:blue", "b", "c"], "a sees a b c instead of a b"],
      ["with a suspect", ["a:blue", "b::suspect"], "a sees a b (suspect) instead of a b"],
      ["with metadata of yesterday", ["a:red", "b"], "a has metadata \"red\" of a instead of \"blue\""]
    ] as const
  ) {
    it(`${what} is not`, () => {
      assert.strictEqual(disagreement("a", listed(...members), truth), told)
    })
  }
})

describe("liveness after calm", () => {
  const bound = 60_000
  /** Looks at these times, each with whether all agree, and answers the verdicts. */
  const looks = (...at: ReadonlyArray<readonly [now: number, agree: boolean]>) => {
    const agreement = new Agreement(1_000, bound)
    const verdicts = at.map(([now, agree]) => agreement.look(now, agree ? [] : ["a sees b"]))
    return { verdicts, after: agreement.after }
  }

  it("is kept by an agreement within the bound that lasts", () => {
    assert.deepStrictEqual(looks([1_000, false], [5_000, true], [5_000 + STEADY - 1, true], [5_000 + STEADY, true]), {
      verdicts: ["Open", "Open", "Open", "Kept"],
      after: 4_000
    })
  })

  it("is kept by an agreement at the last moment, which lasts beyond the bound", () => {
    const last = 1_000 + bound
    assert.deepStrictEqual(looks([last, true], [last + STEADY, true]), { verdicts: ["Open", "Kept"], after: bound })
  })

  it("begins anew when somebody disagrees again", () => {
    assert.deepStrictEqual(looks([2_000, true], [3_000, false], [4_000, true], [2_000 + STEADY, true]).verdicts, [
      "Open",
      "Open",
      "Open",
      "Open"
    ])
  })

  it("is broken when there is no agreement in time", () => {
    assert.deepStrictEqual(looks([1_000 + bound, false], [1_001 + bound, false]), {
      verdicts: ["Open", "Broken"],
      after: undefined
    })
  })

  it("is broken by an agreement that comes too late", () => {
    assert.deepStrictEqual(looks([1_000 + bound, false], [1_500 + bound, true]), {
      verdicts: ["Open", "Broken"],
      after: bound + 500
    })
  })
})

describe("a false death", () => {
  const suspect = entry(known("suspect", 3), OTHER)
  const suspected: Change = {
    _tag: "Suspected",
    entry: suspect,
    from: "a",
    findings: Findings.ofChange("Declared", suspect, "a", suspect.suspicion, { now: 0 })
  }
  const dead = entry(known("dead", 3), OTHER)
  const failed = (from: string): Change => ({
    _tag: "Failed",
    entry: dead,
    from,
    accusers: [from],
    findings: Findings.ofChange("Declared", dead, from, suspect.suspicion, { now: 0 })
  })
  const begins = 100_000
  const suspicion = begins + LONGEST_PROBE + 1
  /** With two nodes, the time in which a suspect should have refuted. */
  const patience = 12_000

  interface Story {
    readonly suspectedAt?: number
    readonly lasts?: number
    readonly declaredBy?: string
    readonly incarnation?: number
    readonly running?: ReadonlyArray<string>
  }

  /** `a` suspects `other` and then publishes its death. */
  const story = (
    { declaredBy = "a", incarnation = 3, lasts = patience, running = ["a", OTHER], suspectedAt = suspicion }: Story
  ) => {
    const deaths = new FalseDeaths(2)
    deaths.announced(OTHER, incarnation)
    deaths.begin(begins, running)
    assert.isUndefined(deaths.take("a", suspected, suspectedAt))
    return deaths.take("a", failed(declaredBy), suspectedAt + lasts)
  }

  it("is that of somebody who runs, and had the time to refute", () => {
    assert.strictEqual(story({}), "a declared other dead, which was there and did not refute for 12000 ms")
  })

  for (
    const [what, told] of [
      ["of somebody who does not run", { running: ["a"] }],
      ["that is only repeated", { declaredBy: "b" }],
      ["of a suspect from before the calm", { suspectedAt: begins + LONGEST_PROBE }],
      ["that came before the suspect could refute", { lasts: patience - 1 }],
      ["of an incarnation that is over", { incarnation: 4 }]
    ] satisfies ReadonlyArray<readonly [string, Story]>
  ) {
    it(`is not one ${what}`, () => {
      assert.isUndefined(story(told))
    })
  }
})

describe("a subscriber", () => {
  const event = (text: string, missed = 0): MemberEvent => {
    const [tag, name, metaText = ""] = text.split(" ")
    return { _tag: tag, missed, member: { name, metaText } } as MemberEvent
  }
  const told = (...events: ReadonlyArray<MemberEvent>) => {
    const subscriber = new Subscriber()
    for (const each of events) subscriber.take(each)
    return subscriber.differs("a", listed("a:blue", "b"))
  }
  const all = [event("MemberJoined a"), event("MemberJoined b"), event("MemberUpdated a blue")]

  it("that is told everything has the view of its node", () => {
    assert.isUndefined(told(...all, event("MemberJoined c"), event("MemberFailed c")))
  })

  it("that is told too little has another", () => {
    assert.strictEqual(
      told(...all.slice(0, 2)),
      "a's events give \"a= b=\" (0 lost); its view is \"a=blue b=\""
    )
  })

  it("must not lose anything, even where its view is right", () => {
    assert.strictEqual(
      told(...all, event("MemberRecovered b", 2)),
      "a's events give \"a=blue b=\" (2 lost); its view is \"a=blue b=\""
    )
  })
})

describe("groups that have forgotten each other", () => {
  const views = (...lists: ReadonlyArray<string>) =>
    components(lists.map((list) => [list[0] ?? "", [...list].map((name) => ({ name }))] as const))

  it("are those where nobody lists anybody of another", () => {
    assert.deepStrictEqual(views("ab", "b", "cd", "d", "e"), [["a", "b"], ["c", "d"], ["e"]])
  })

  it("are connected by a single node that lists one of another, and not by one that does not run", () => {
    assert.deepStrictEqual(views("ab", "b", "cda", "d"), [["a", "b", "c", "d"]])
    assert.deepStrictEqual(views("ax", "b"), [["a"], ["b"]])
  })
})
