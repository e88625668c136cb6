import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { retransmitLimit } from "../../../src/base/Scaling.ts"
import * as BroadcastQueue from "../../../src/swim/gossip/BroadcastQueue.ts"

interface Note extends BroadcastQueue.Broadcast {
  readonly label: string
}

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

type Queue = BroadcastQueue.BroadcastQueue<Note>

const note = (label: string, length: number, more: Partial<Note> = {}): Note => ({
  label,
  name: undefined,
  unique: false,
  message: new TextEncoder().encode(label.padEnd(length, ".")),
  ...more
})

const named = (label: string, length = label.length, name = label) => note(label, length, { name })
const unique = (label: string, length = label.length) => note(label, length, { unique: true })

const filled = (...notes: ReadonlyArray<Note>): Queue =>
  notes.reduce<Queue>((q, n) => BroadcastQueue.queue(q, n)[0], BroadcastQueue.empty)

const label = (message: Uint8Array): string => new TextDecoder().decode(message).replace(/\.+$/, "")
const labels = (notes: ReadonlyArray<Note>): ReadonlyArray<string> => notes.map((n) => n.label)
const everything = { overhead: 0, limit: 1_000_000, retransmitLimit: 100 }
const order = (q: Queue): ReadonlyArray<string> => BroadcastQueue.draw(q, everything).messages.map(label)

/** Draws one message of exactly this length. */
const sendOne = (q: Queue, length: number): Queue =>
  BroadcastQueue.draw(q, { overhead: 0, limit: length, retransmitLimit: 100, maxParts: 1 }).queue

describe("several broadcasts at once", () => {
  it.prop(
    "are queued as one after the other, and replace the same",
    [Schema.Array(Schema.Tuple([Schema.Int, Schema.Int])), Schema.Array(Schema.Tuple([Schema.Int, Schema.Int]))],
    ([earlier, later]) => {
      const notes = (list: ReadonlyArray<readonly [number, number]>, prefix: string) =>
        list.map(([name, length], i) => {
          const known = `${Math.abs(name) % 7}`
          return { ...named(`${prefix}${i}`, 8 + Math.abs(length) % 5, known), name: known }
        })
      // some of them were sent before
      const start = sendOne(filled(...notes(earlier, "a")), 9)
      let one: Queue = start
      const finished: Array<Note> = []
      for (const note of notes(later, "b")) {
        const [next, replaced] = BroadcastQueue.queue(one, note)
        one = next
        finished.push(...replaced)
      }
      const [all, replaced] = BroadcastQueue.queueAll(start, notes(later, "b"))
      assert.deepStrictEqual(labels(replaced), labels(finished))
      assert.deepStrictEqual(order(all), order(one))
      assert.deepStrictEqual([all.size, all.nextId, all.tiers.length], [one.size, one.nextId, one.tiers.length])
      const ids = (q: Queue) => q.named.values().map(({ id }) => id).toSorted((a, b) => a - b)
      assert.deepStrictEqual(ids(all), ids(one))
    }
  )

  it("without a name replace nothing", () => {
    const note = { ...named("x", 3, ""), name: "" }
    const [all, replaced] = BroadcastQueue.queueAll(filled(note), [note, note])
    assert.deepStrictEqual([all.size, labels(replaced)], [3, []])
  })
})

describe("BroadcastQueue", () => {
  it.each([[3, 0, 0], [3, 1, 3], [3, 99, 6], [4, 0, 0], [4, 9, 4], [4, 10, 8], [4, 99, 8], [4, 100, 12], [4, 999, 12]])(
    "with multiplier %i and %i members a broadcast is sent %i times",
    (mult, n, limit) => assert.strictEqual(retransmitLimit(mult, n), limit)
  )

  describe("queue", () => {
    it("replaces a named broadcast by a newer one of the same name and finishes it", () => {
      const [q, finished] = BroadcastQueue.queue(filled(named("old", 9, "a"), named("b")), named("new", 5, "a"))
      assert.deepStrictEqual(labels(finished), ["old"])
      assert.strictEqual(BroadcastQueue.size(q), 2)
      assert.deepStrictEqual(order(q), ["new", "b"])
    })

    it("finds the one to replace however often it was sent", () => {
      const q = sendOne(sendOne(filled(named("old", 9, "a")), 9), 9)
      const [next, finished] = BroadcastQueue.queue(q, named("new", 9, "a"))
      assert.deepStrictEqual(labels(finished), ["old"])
      assert.deepStrictEqual(order(next), ["new"])
    })

    it("lets a name be used again after its broadcast was finished", () => {
      const drawn = BroadcastQueue.draw(filled(named("a")), { ...everything, retransmitLimit: 1 })
      assert.deepStrictEqual(labels(drawn.finished), ["a"])
      const [q, finished] = BroadcastQueue.queue(drawn.queue, named("again", 5, "a"))
      assert.deepStrictEqual(labels(finished), [])
      assert.strictEqual(BroadcastQueue.size(q), 1)
    })

    it("lets a plain broadcast invalidate plain ones only", () => {
      const q = filled(
        named("named"),
        named("nameless", 8, ""),
        unique("unique"),
        note("plain 1", 7),
        note("plain 2", 7)
      )
      const [next, finished] = BroadcastQueue.queue(q, note("plain 3", 7, { invalidates: () => true }))
      assert.deepStrictEqual(labels(finished), ["plain 2", "plain 1"])
      assert.deepStrictEqual(order(next), ["nameless", "plain 3", "unique", "named"])
    })

    it("asks only plain broadcasts whether they invalidate", () => {
      const invalidates = () => true
      const q = filled(note("plain", 5))
      assert.strictEqual(BroadcastQueue.size(BroadcastQueue.queue(q, { ...named("a"), invalidates })[0]), 2)
      assert.strictEqual(BroadcastQueue.size(BroadcastQueue.queue(q, { ...unique("a"), invalidates })[0]), 2)
    })

    it("does not change the queue it was given", () => {
      const q = filled(named("a"), named("b"))
      BroadcastQueue.queue(q, named("a", 9))
      BroadcastQueue.draw(q, everything)
      BroadcastQueue.prune(q, 0)
      assert.deepStrictEqual(order(q), ["b", "a"])
    })

    it("gives rising ids forever, also after it was empty", () => {
      const once = BroadcastQueue.draw(filled(named("a")), { ...everything, retransmitLimit: 1 }).queue
      assert.strictEqual(BroadcastQueue.size(once), 0)
      assert.strictEqual(once.nextId, 2)
      assert.strictEqual(BroadcastQueue.reset(filled(named("a"), named("b")))[0].nextId, 3)
    })
  })

  describe("draw", () => {
    it("takes the longest first, and the newest of equally long ones", () => {
      assert.deepStrictEqual(order(filled(named("a", 5), named("b", 9), named("c", 5), named("d", 7))), [
        "b",
        "d",
        "c",
        "a"
      ])
    })

    it("takes what was sent least often first", () => {
      const q = BroadcastQueue.queue(sendOne(filled(named("sent", 9)), 9), named("new", 3))[0]
      assert.deepStrictEqual(order(q), ["new", "sent"])
    })

    it.each([[2, 4], [3, 3]])(
      "with an overhead of %i, 80 bytes hold %i of four 18-byte messages",
      (overhead, count) => {
        const q = filled(...["1", "2", "3", "4"].map((name) => named(name, 18)))
        const limit = retransmitLimit(3, 10)
        const drawn = BroadcastQueue.draw(q, { overhead, limit: 80, retransmitLimit: limit })
        assert.strictEqual(drawn.messages.length, count)
        assert.strictEqual(drawn.used, count * (18 + overhead))
      }
    )

    it("finishes a broadcast that was sent often enough", () => {
      let q: Queue = filled(...["1", "2", "3", "4"].map((name) => named(name, 18)))
      const counts: Array<number> = []
      const finished: Array<string> = []
      for (let i = 0; i < 4; i++) {
        const drawn = BroadcastQueue.draw(q, {
          overhead: 3,
          limit: 80,
          retransmitLimit: retransmitLimit(1, 10)
        })
        counts.push(drawn.messages.length)
        finished.push(...labels(drawn.finished))
        q = drawn.queue
      }
      assert.deepStrictEqual(counts, [3, 3, 2, 0])
      assert.deepStrictEqual(finished.sort(), ["1", "2", "3", "4"])
    })

    it("sends once even when the limit of transmissions is 0", () => {
      const drawn = BroadcastQueue.draw(filled(named("a")), {
        ...everything,
        retransmitLimit: retransmitLimit(4, 0)
      })
      assert.deepStrictEqual(drawn.messages.map(label), ["a"])
      assert.deepStrictEqual(labels(drawn.finished), ["a"])
    })

    it("returns no message twice in one draw", () => {
      assert.strictEqual(order(filled(named("a"), named("b"))).length, 2)
    })

    it("passes over a message that is longer than the budget, forever, and sends the others", () => {
      let q = filled(named("huge", 2000), named("a", 10), named("b", 10))
      for (let i = 0; i < 2; i++) {
        const drawn = BroadcastQueue.draw(q, { overhead: 2, limit: 1400, retransmitLimit: 2 })
        assert.deepStrictEqual(drawn.messages.map(label), ["b", "a"])
        q = drawn.queue
      }
      assert.deepStrictEqual(order(q), ["huge"])
    })

    it("fills what a long message leaves with a shorter one", () => {
      const drawn = BroadcastQueue.draw(filled(named("a", 60), named("b", 50), named("c", 30)), {
        overhead: 2,
        limit: 100,
        retransmitLimit: 4
      })
      assert.deepStrictEqual(drawn.messages.map(label), ["a", "c"])
    })

    it("takes a message that fits to the byte, and none that lacks one", () => {
      const q = filled(named("a", 10))
      assert.strictEqual(BroadcastQueue.draw(q, { ...everything, overhead: 2, limit: 12 }).messages.length, 1)
      assert.strictEqual(BroadcastQueue.draw(q, { ...everything, overhead: 2, limit: 11 }).messages.length, 0)
    })

    it("takes nothing, and is the same queue, when there is no room", () => {
      const q = filled(named("a", 10))
      assert.strictEqual(BroadcastQueue.draw(q, { ...everything, limit: 0 }).queue, q)
      assert.strictEqual(BroadcastQueue.draw(q, { ...everything, overhead: 3, limit: 3 }).queue, q)
    })

    it("takes no more than the given number of messages", () => {
      const q = filled(...Array.from({ length: 300 }, (_, i) => unique(`${i}`, 4)))
      const drawn = BroadcastQueue.draw(q, { ...everything, maxParts: 127 })
      assert.strictEqual(drawn.messages.length, 127)
      assert.strictEqual(drawn.used, 127 * 4)
      assert.strictEqual(BroadcastQueue.size(drawn.queue), 300)
    })
  })

  describe("what is taken first", () => {
    const first = ["own", "us"]
    const busy = () => filled(named("own", 3), ...["a", "b", "c"].map((label) => named(label, 50)))

    it("goes before longer news, and as often as any other", () => {
      let q = busy()
      const sent: Array<string> = []
      for (let i = 0; i < 8; i++) {
        const drawn = BroadcastQueue.draw(q, { overhead: 2, limit: 60, retransmitLimit: 3, first })
        assert.isAtMost(drawn.used, 60)
        sent.push(...drawn.messages.map(label))
        q = drawn.queue
      }
      assert.strictEqual(sent.filter((label) => label === "own").length, 3)
      assert.deepStrictEqual([0, 2, 4].map((i) => sent[i]), ["own", "own", "own"])
    })

    it("waits like any other when nobody asks for it", () => {
      const { messages } = BroadcastQueue.draw(busy(), { overhead: 2, limit: 52, retransmitLimit: 3 })
      assert.notInclude(messages.map(label), "own")
    })

    it("stays where it does not fit", () => {
      const drawn = BroadcastQueue.draw(filled(named("own", 100), named("a", 5)), {
        overhead: 2,
        limit: 50,
        retransmitLimit: 3,
        first
      })
      assert.deepStrictEqual(drawn.messages.map(label), ["a"])
      assert.deepStrictEqual(order(drawn.queue).toSorted(), ["a", "own"])
    })

    it.prop(
      "is neither lost nor doubled, nor sent more often than it may be",
      [Arbitrary.array(Arbitrary.schema(Schema.Struct({ name: int(0, 4), length: int(3, 30), limit: int(0, 80) })))],
      ([steps]) => {
        let q: Queue = BroadcastQueue.empty
        const counts = new Map<Note, number>()
        const gone = new Set<Note>()
        const options = { overhead: 2, retransmitLimit: 3, first: ["n1", "n3", "n1"] }
        for (const [i, { length, limit, name }] of steps.entries()) {
          const added = named(`${i}`, length, `n${name}`)
          const [queued, replaced] = BroadcastQueue.queue(q, added)
          for (const note of replaced) gone.add(note)
          counts.set(added, 0)
          const drawn = BroadcastQueue.draw(queued, { ...options, limit })
          assert.isAtMost(drawn.used, limit)
          assert.strictEqual(drawn.used, drawn.messages.reduce((sum, { length }) => sum + length + 2, 0))
          assert.strictEqual(new Set(drawn.messages).size, drawn.messages.length)
          for (const [note, sent] of counts) if (drawn.messages.includes(note.message)) counts.set(note, sent + 1)
          for (const note of drawn.finished) {
            assert.strictEqual(counts.get(note), 3)
            gone.add(note)
          }
          q = drawn.queue
          const left = Array.from(counts.keys()).filter((note) => !gone.has(note))
          assert.strictEqual(BroadcastQueue.size(q), left.length)
          assert.deepStrictEqual(order(q).toSorted(), labels(left).toSorted())
          assert.isTrue(left.every((note) => (counts.get(note) ?? 0) < 3))
        }
      }
    )
  })

  describe("prune and reset", () => {
    it("removes the most transmitted, then the shortest, then the oldest", () => {
      const sent = sendOne(filled(named("sent", 50)), 50)
      const q = [named("a", 5), named("b", 5), named("c", 9)].reduce<Queue>(
        (q, n) => BroadcastQueue.queue(q, n)[0],
        sent
      )
      const [rest, finished] = BroadcastQueue.prune(q, 1)
      assert.deepStrictEqual(labels(finished), ["sent", "a", "b"])
      assert.deepStrictEqual(order(rest), ["c"])
      assert.strictEqual(BroadcastQueue.size(rest), 1)
    })

    it("leaves a short queue alone, also an empty one", () => {
      const q = filled(named("a"))
      assert.strictEqual(BroadcastQueue.prune(q, 1)[0], q)
      assert.deepStrictEqual(BroadcastQueue.prune(BroadcastQueue.empty, 0), [BroadcastQueue.empty, []])
    })

    it("finishes everything on reset, in drawing order", () => {
      const [q, finished] = BroadcastQueue.reset(filled(named("a", 5), named("b", 9)))
      assert.deepStrictEqual(labels(finished), ["b", "a"])
      assert.strictEqual(BroadcastQueue.size(q), 0)
      assert.deepStrictEqual(order(q), [])
    })
  })

  describe("as its definition says", () => {
    /** The queue as a list that is sorted for every question. */
    class Model {
      private items: Array<{ transmits: number; readonly id: number; readonly note: Note }> = []
      private id = 0
      queue(added: Note): ReadonlyArray<Note> {
        const replaced = this.items.filter(({ note }) => {
          if (added.name) return note.name === added.name
          if (added.name === undefined && added.unique) return false
          return note.name === undefined && !note.unique && added.invalidates?.(note) === true
        })
        this.remove(replaced)
        this.items.push({ transmits: 0, id: this.id++, note: added })
        return replaced.map((item) => item.note)
      }
      draw(options: BroadcastQueue.DrawOptions) {
        const taken: Array<Model["items"][number]> = []
        let used = 0
        for (const item of this.sorted()) {
          const full = taken.length >= (options.maxParts ?? Infinity)
          const free = options.limit - used - options.overhead
          if (full || free <= 0 || item.note.message.length > free) continue
          taken.push(item)
          used += options.overhead + item.note.message.length
        }
        for (const item of taken) item.transmits++
        const finished = taken.filter((item) => item.transmits >= options.retransmitLimit)
        this.remove(finished)
        return { labels: taken.map((item) => item.note.label), used, finished: finished.map((item) => item.note) }
      }
      prune(max: number): ReadonlyArray<Note> {
        const finished = this.sorted().slice(max).toReversed()
        this.remove(finished)
        return finished.map((item) => item.note)
      }
      get size() {
        return this.items.length
      }
      private sorted() {
        const length = (item: Model["items"][number]) => item.note.message.length
        return this.items.slice().sort((a, b) => a.transmits - b.transmits || length(b) - length(a) || b.id - a.id)
      }
      private remove(gone: ReadonlyArray<Model["items"][number]>) {
        this.items = this.items.filter((item) => !gone.includes(item))
      }
    }

    const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
    const Queue = Schema.Struct({
      op: Schema.Literal("queue"),
      kind: Schema.Literals(["named", "nameless", "unique", "plain"]),
      name: int(0, 5),
      length: int(1, 12)
    })
    const Draw = Schema.Struct({
      op: Schema.Literal("draw"),
      overhead: int(0, 3),
      limit: int(0, 50),
      retransmitLimit: int(0, 4),
      maxParts: int(1, 6)
    })
    const Prune = Schema.Struct({ op: Schema.Literal("prune"), max: int(0, 10) })
    const Operation = Schema.Union([Queue, Queue, Queue, Draw, Draw, Prune])

    const build = (operation: typeof Queue.Type, id: number): Note => {
      const text = `${id}`
      const length = Math.max(operation.length, text.length)
      switch (operation.kind) {
        case "named":
          return named(text, length, `name ${operation.name}`)
        case "nameless":
          return named(text, length, "")
        case "unique":
          return unique(text, length)
        case "plain":
          return note(text, length, { invalidates: (other) => other.message.length === length })
      }
    }

    const sorted = (notes: ReadonlyArray<Note>) => labels(notes).slice().sort()

    it.prop(
      "every sequence of operations gives what a plain sorted list gives",
      [Arbitrary.array(Arbitrary.schema(Operation), { maxLength: 120 })],
      ([operations]) => {
        const model = new Model()
        let q: Queue = BroadcastQueue.empty
        for (const [id, operation] of operations.entries()) {
          switch (operation.op) {
            case "queue": {
              const added = build(operation, id)
              const [next, finished] = BroadcastQueue.queue(q, added)
              assert.deepStrictEqual(sorted(finished), sorted(model.queue(added)))
              q = next
              break
            }
            case "draw": {
              const drawn = BroadcastQueue.draw(q, operation)
              const expected = model.draw(operation)
              assert.deepStrictEqual(drawn.messages.map(label), expected.labels)
              assert.deepStrictEqual(labels(drawn.finished), labels(expected.finished))
              assert.strictEqual(drawn.used, expected.used)
              assert.isTrue(drawn.used <= operation.limit)
              q = drawn.queue
              break
            }
            case "prune": {
              const [next, finished] = BroadcastQueue.prune(q, operation.max)
              assert.deepStrictEqual(labels(finished), labels(model.prune(operation.max)))
              q = next
            }
          }
          assert.strictEqual(BroadcastQueue.size(q), model.size)
          assert.strictEqual(q.tiers.flat(2).length, model.size)
          assert.isTrue(q.named.values().every((item) => q.tiers.flat(2).includes(item)))
        }
      },
      { arbitrary: { runs: 300, size: 120 } }
    )

    it("a long queue gives what a plain sorted list gives", () => {
      const model = new Model()
      let q: Queue = BroadcastQueue.empty
      for (let i = 0; i < 2000; i++) {
        const added = named(`${i}`, 20 + (i * 7919) % 60, `name ${(i * 31) % 1500}`)
        model.queue(added)
        q = BroadcastQueue.queue(q, added)[0]
      }
      for (let i = 0; i < 60; i++) {
        const options = { overhead: 2, limit: 1400, retransmitLimit: 3 }
        const drawn = BroadcastQueue.draw(q, options)
        assert.deepStrictEqual(drawn.messages.map(label), model.draw(options).labels)
        q = drawn.queue
        for (let j = 0; j < 5; j++) {
          const added = named(`${i} ${j}`, 30 + j, `name ${(i * 5 + j) * 13 % 1500}`)
          assert.deepStrictEqual(labels(BroadcastQueue.queue(q, added)[1]), labels(model.queue(added)))
          q = BroadcastQueue.queue(q, added)[0]
        }
      }
      assert.deepStrictEqual(labels(BroadcastQueue.prune(q, 3)[1]), labels(model.prune(3)))
    })
  })
})
