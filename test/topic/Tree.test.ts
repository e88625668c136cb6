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
  it("brings every message to everybody exactly once in the calm, and each payload once but for the first", () => {
    for (const seed of SEEDS) {
      const trees = new Trees(names(3 + seed), seed)
      trees.run(1_000)
      const [first = 0, ...copies] = publishing(trees, 10, 1_000)
      assert.isAtLeast(first, 1)
      assert.deepStrictEqual(copies, copies.map(() => 1), `seed ${seed}`)
      for (const messages of trees.delivered.values()) {
        assert.strictEqual(messages.length, 10)
        assert.strictEqual(new Set(messages).size, 10)
      }
    }
  })

  for (const [loss, most] of [[0.05, 1.35], [0.25, 1.9]] as const) {
    it(`brings every message to everybody exactly once where ${100 * loss} % of the frames are lost`, () => {
      const all: Array<number> = []
      for (const seed of SEEDS) {
        const trees = new Trees(names(3 + seed), seed)
        trees.run(1_000)
        trees.loss = loss
        all.push(...publishing(trees, 10, 1_000).slice(1))
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

  it("ignores a frame that the network doubled, and leaves the link as it is", () => {
    const message = { origin: "b", epoch: 1, sequence: 1, payload: new Uint8Array(1) }
    const data: Tree.Input = { _tag: "Received", from: "b", body: { _tag: "Data", hops: 0, message } }
    const env = { now: 0, settings }
    const view: Tree.Input = { _tag: "View", participants: new Set(["a", "b", "c"]), neighbours: ["b", "c"] }
    const [known] = Tree.decide(Tree.make("a", 1), view, env)
    const [first, directives] = Tree.decide(known, data, env)
    assert.deepStrictEqual(directives.map(({ _tag }) => _tag), ["Deliver", "Send"])
    assert.deepStrictEqual(Tree.decide(first, data, env)[1], [{ _tag: "Count", what: "duplicate" }])
    const [pruned, answer] = Tree.decide(first, { ...data, from: "c" }, env)
    assert.deepStrictEqual(answer.at(-1), { _tag: "Send", to: ["c"], body: { _tag: "Prune" } })
    assert.deepStrictEqual([...pruned.links], [["b", "eager"], ["c", "lazy"]])
  })

  it("pushes on a message that a comparison brought before the tree did, and prunes nothing", () => {
    const message = { origin: "b", epoch: 1, sequence: 1, payload: new Uint8Array(1) }
    const env = { now: 0, settings }
    const view: Tree.Input = { _tag: "View", participants: new Set(["a", "b", "c"]), neighbours: ["b", "c"] }
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
    let [state] = Tree.decide(Tree.make("a", 1), { _tag: "View", participants, neighbours: ["b", "c"] }, env(0))
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
