import { assert, describe, it } from "@effect/vitest"
import * as Tree from "../../src/topic/Tree.ts"
import { settings, Trees } from "../support/Trees.ts"

const names = (count: number) => Array.from({ length: count }, (_, i) => `n${i + 1}`)

/** Lets members publish in turn, and tells the payloads that arrived of each message, of each other member. */
const publishing = (trees: Trees, messages: number, pause: number): ReadonlyArray<number> => {
  const members = [...trees.states.keys()]
  return Array.from({ length: messages }, (_, i) => {
    trees.payloads = 0
    trees.publish(members[i % members.length] ?? "")
    trees.run(pause)
    return trees.payloads / (members.length - 1)
  })
}

/** Clusters of 4 to 37. */
const SEEDS = Array.from({ length: 12 }, (_, i) => 3 * i + 1)

describe("the tree", () => {
  it("brings every message to everybody exactly once in the calm, and each payload too, however many publish at once", () => {
    for (const seed of SEEDS) {
      const trees = new Trees(names(3 + seed), seed)
      trees.run(1_000)
      const members = [...trees.states.keys()]
      for (let round = 0; round < 5; round++) {
        for (const name of members) trees.publish(name)
        trees.run(500)
      }
      const messages = 5 * members.length
      assert.strictEqual(trees.payloads, messages * (members.length - 1), `seed ${seed}`)
      for (const delivered of trees.delivered.values()) {
        assert.strictEqual(delivered.length, messages)
        assert.strictEqual(new Set(delivered).size, messages)
      }
    }
  })

  for (const [loss, most] of [[0.05, 1.2], [0.25, 1.5]] as const) {
    it(`brings every message to everybody exactly once where ${100 * loss} % of the frames are lost`, () => {
      const all: Array<number> = []
      for (const seed of SEEDS) {
        const trees = new Trees(names(3 + seed), seed)
        trees.run(1_000)
        trees.loss = loss
        all.push(...publishing(trees, 10, 1_000))
        trees.run(5_000)
        for (const [name, messages] of trees.delivered) {
          assert.strictEqual(new Set(messages).size, messages.length, `${name}, seed ${seed}`)
          assert.strictEqual(messages.length, 10, `${name}, seed ${seed}`)
        }
      }
      assert.isBelow(all.reduce((sum, copies) => sum + copies, 0) / all.length, most)
    })
  }

  it("repairs itself when members crash, and everybody else gets what is published meanwhile", () => {
    for (const seed of SEEDS) {
      const trees = new Trees(names(20), seed)
      trees.run(1_000)
      publishing(trees, 5, 500)
      for (const name of ["n3", "n4", "n5"]) trees.crash(name)
      // nobody has noticed yet
      trees.publish("n1")
      trees.run(2_000)
      trees.view()
      trees.publish("n2")
      trees.run(2_000)
      for (const name of trees.states.keys()) assert.strictEqual(trees.delivered.get(name)?.length, 7, `seed ${seed}`)
      trees.payloads = 0
      trees.publish("n1")
      trees.run(2_000)
      trees.payloads = 0
      trees.publish("n2")
      trees.run(2_000)
      assert.isAtMost(trees.payloads / 16, 1.3)
    }
  })

  it("brings a newcomer what was published before it came, and the others nothing twice", () => {
    for (const seed of SEEDS) {
      const trees = new Trees(names(10), seed)
      trees.run(1_000)
      publishing(trees, 10, 300)
      trees.join("newcomer")
      trees.view()
      trees.run(1_000)
      trees.publish("n1")
      trees.run(1_000)
      for (const [name, messages] of trees.delivered) {
        assert.strictEqual(new Set(messages).size, 11, name)
        assert.strictEqual(messages.length, 11, name)
      }
    }
  })

  /** A member with one link of the tree, to `b`, and one beside it, to `c`. */
  const linked = (): Tree.State => {
    const participants = new Set(["a", "b", "c", "d"])
    const view: Tree.Input = { _tag: "View", participants, neighbours: ["b", "c"], branches: ["b"] }
    return Tree.decide(Tree.make("a", 1), view, { now: 0, settings })[0]
  }
  const message = { origin: "x", epoch: 1, sequence: 1, payload: new Uint8Array(1) }
  const dataOf = (from: string): Tree.Input => ({
    _tag: "Received",
    from,
    body: { _tag: "Data", hops: 0, message }
  })

  it("ignores a frame that the network doubled, and leaves the link as it is", () => {
    const env = { now: 0, settings }
    const [first, directives] = Tree.decide(linked(), dataOf("d"), env)
    assert.deepStrictEqual(directives.map(({ _tag }) => _tag), ["Deliver", "Send"])
    const [second, answer] = Tree.decide(first, dataOf("d"), env)
    assert.deepStrictEqual(answer, [{ _tag: "Count", what: "duplicate" }])
    assert.strictEqual(second.links.get("d"), "eager")
  })

  it("prunes the link that is none of those on which all agree, whichever was slower", () => {
    const env = { now: 0, settings }
    const prune = (to: string) => ({ _tag: "Send", to: [to], body: { _tag: "Prune" } } as const)
    for (const [order, expected] of [[["b", "d"], "d"], [["d", "b"], "d"], [["b", "c"], "c"]] as const) {
      let state = linked()
      let last: ReadonlyArray<Tree.Directive> = []
      for (const from of order) [state, last] = Tree.decide(state, dataOf(from), env)
      assert.deepStrictEqual(last.at(-1), prune(expected))
      assert.deepStrictEqual([...state.links], [["b", "eager"], ["c", "lazy"]])
    }
  })

  it("grafts a link when three messages in a row had to be asked for, and not before", () => {
    const asked: Array<boolean> = []
    let state = linked()
    for (let sequence = 1; sequence <= 4; sequence++) {
      const now = sequence * 1_000
      const spans = [{ origin: "x", epoch: 1, ranges: [[sequence, sequence]] as const }]
      const have: Tree.Input = { _tag: "Received", from: "c", body: { _tag: "Have", spans } }
      ;[state] = Tree.decide(state, have, { now, settings })
      const [next, directives] = Tree.decide(state, { _tag: "Tick" }, { now: now + 150, settings })
      for (const each of directives) {
        if (each._tag === "Send" && each.body._tag === "Graft") asked.push(each.body.isLasting)
      }
      const kept = { message: { ...message, sequence }, age: 0 }
      const batch: Tree.Input = {
        _tag: "Received",
        from: "c",
        body: { _tag: "Batch", isAsked: true, messages: [kept] }
      }
      ;[state] = Tree.decide(next, batch, { now: now + 160, settings })
    }
    assert.deepStrictEqual(asked, [false, false, true, true])
    assert.strictEqual(state.links.get("c"), "eager")
  })

  it("pushes on a message that a comparison brought before the tree did, and prunes nothing", () => {
    const env = { now: 0, settings }
    const view: Tree.Input = {
      _tag: "View",
      participants: new Set(["a", "b", "c"]),
      neighbours: ["b", "c"],
      branches: ["b", "c"]
    }
    const [known] = Tree.decide(Tree.make("a", 1), view, env)
    const batch = { _tag: "Batch", isAsked: false, messages: [{ message, age: 5 }] } as const
    const [caught, delivered] = Tree.decide(known, { _tag: "Received", from: "c", body: batch }, env)
    assert.deepStrictEqual(delivered, [{ _tag: "Deliver", message }])
    const data = { _tag: "Data", hops: 3, message } as const
    const [pushed, directives] = Tree.decide(caught, { _tag: "Received", from: "b", body: data }, env)
    assert.deepStrictEqual(directives, [
      { _tag: "Count", what: "duplicate" },
      { _tag: "Send", to: ["c"], body: { _tag: "Data", hops: 4, message } }
    ])
    assert.deepStrictEqual([...pushed.links], [["b", "eager"], ["c", "eager"]])
  })

  it("asks another member where one does not answer, and gives up after twelve questions", () => {
    const env = (now: number) => ({ now, settings })
    const participants = new Set(["a", "b", "c"])
    const span = { origin: "x", epoch: 1, ranges: [[7, 7]] } as const
    const have = { _tag: "Have", spans: [span] } as const
    let [state] = Tree.decide(Tree.make("a", 1), {
      _tag: "View",
      participants,
      neighbours: ["b", "c"],
      branches: ["b"]
    }, env(0))
    for (const from of ["b", "c"]) [state] = Tree.decide(state, { _tag: "Received", from, body: have }, env(0))
    const asked: Array<string> = []
    for (let due = Tree.nextDue(state); due !== undefined; due = Tree.nextDue(state)) {
      const [next, directives] = Tree.decide(state, { _tag: "Tick" }, env(due))
      state = next
      const told = directives.map((each) =>
        each._tag === "Send" ? each.to.join() : each._tag === "Count" ? each.what : each._tag
      )
      asked.push(told.join(" "))
    }
    assert.deepStrictEqual(asked.slice(0, 4), ["asked b", "asked c", "asked b c", "asked c b"])
    assert.strictEqual(asked.length, 13)
    assert.strictEqual(asked.at(-1), "givenUp")
  })

  it("asks for few of what one frame claims to have, however much that is", () => {
    const env = { now: 0, settings }
    const span = { origin: "x", epoch: 1, ranges: [[1, Number.MAX_SAFE_INTEGER]] } as const
    const have = { _tag: "Have", spans: Array.from({ length: 50 }, (_, epoch) => ({ ...span, epoch })) } as const
    let state = Tree.make("a", 1)
    for (let i = 0; i < 20; i++) [state] = Tree.decide(state, { _tag: "Received", from: "b", body: have }, env)
    assert.isAtMost(state.missing.size, 4_096)
  })

  it("takes every message of a publisher in whose name others with scattered numbers came before", () => {
    const env = { now: 0, settings }
    let state = linked()
    let delivered = 0
    const take = (sequence: number) => {
      const body = { _tag: "Data", hops: 0, message: { ...message, sequence } } as const
      const [next, directives] = Tree.decide(state, { _tag: "Received", from: "b", body }, env)
      state = next
      if (directives.some(({ _tag }) => _tag === "Deliver")) delivered++
    }
    for (let sequence = 1; sequence <= 10; sequence++) take(sequence)
    const forged = Array.from({ length: 300 }, (_, i) => 1_000 * (i + 1))
    for (const sequence of forged) take(sequence)
    delivered = 0
    // those from 1,000 to 173,000 are forgotten again
    for (let sequence = 11; sequence <= 5_010; sequence++) take(sequence)
    assert.strictEqual(delivered, 5_000)
    assert.isAtMost(state.seen.values()[0]?.span.ranges.length ?? Infinity, 128)
  })

  it("has room for what others announce, however much one member claims to have", () => {
    const env = { now: 0, settings }
    const have = (from: string, origin: string, last: number): Tree.Input => ({
      _tag: "Received",
      from,
      body: { _tag: "Have", spans: [{ origin, epoch: 1, ranges: [[1, last]] }] }
    })
    let state = linked()
    for (let i = 0; i < 20; i++) [state] = Tree.decide(state, have("c", `made-up-${i}`, 512), env)
    assert.strictEqual(state.missing.size, 1_024)
    ;[state] = Tree.decide(state, have("d", "x", 3), env)
    assert.strictEqual(state.missing.size, 1_027)
  })

  it("makes nobody a link of the tree for messages that do not exist", () => {
    let state = linked()
    const spans = [{ origin: "x", epoch: 1, ranges: [[1, 9]] as const }]
    ;[state] = Tree.decide(state, { _tag: "Received", from: "c", body: { _tag: "Have", spans } }, { now: 0, settings })
    for (let now = 0; now < 10_000; now += 50) [state] = Tree.decide(state, { _tag: "Tick" }, { now, settings })
    assert.strictEqual(state.missing.size, 0)
    assert.deepStrictEqual([...state.links], [["b", "eager"], ["c", "lazy"]])
  })

  it("lets few members become links of the tree beside those on which all agree", () => {
    const env = { now: 0, settings }
    const others = names(30)
    const view: Tree.Input = {
      _tag: "View",
      participants: new Set(others),
      neighbours: others.slice(1, 9),
      branches: ["n2"]
    }
    let [state] = Tree.decide(Tree.make("n1", 1), view, env)
    const eager = () => [...state.links].flatMap(([name, link]) => link === "eager" ? [name] : [])
    for (const [i, from] of others.slice(2).entries()) {
      const body = i % 2 === 0
        ? { _tag: "Graft", isLasting: true, spans: [] } as const
        : { _tag: "Data", hops: 0, message: { ...message, sequence: i } } as const
      ;[state] = Tree.decide(state, { _tag: "Received", from, body }, env)
    }
    assert.deepStrictEqual(eager(), ["n2", ...others.slice(-8)])
    // the neighbours are linked as before, and nobody else
    assert.deepStrictEqual([...state.links.keys()].filter((name) => !eager().includes(name)), others.slice(2, 9))
  })

  it("keeps as much of recent messages as it is told to, and remembers as many publishers", () => {
    const small = { ...settings, window: { messages: 16, bytes: 2_000, age: 1_000 } }
    let state = Tree.make("a", 1)
    for (let i = 0; i < 4_500; i++) {
      const message = { origin: `m${i}`, epoch: i, sequence: 1, payload: new Uint8Array(100) }
      const body = { _tag: "Data", hops: 0, message } as const
      ;[state] = Tree.decide(state, { _tag: "Received", from: "b", body }, { now: i, settings: small })
      if (state.window.bytes > 2_000 || state.window.byId.size > 16) assert.fail(`${state.window.bytes} bytes`)
    }
    assert.strictEqual(state.window.byPlace.size, state.window.byId.size)
    assert.isAtMost(state.seen.size, 4_096)
    assert.isAtLeast(state.seen.size, 3_000)
    ;[state] = Tree.decide(state, { _tag: "Tick" }, { now: 10_000, settings: small })
    assert.strictEqual(state.window.byId.size, 0)
    assert.strictEqual(state.window.bytes, 0)
  })
})
