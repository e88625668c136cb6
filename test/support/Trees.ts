/** Members as pure states of the tree, on a network that delays and loses frames; nothing of Effect takes part. */
import * as Overlay from "../../src/topic/Overlay.ts"
import * as Tree from "../../src/topic/Tree.ts"
import { generator } from "./Hex.ts"

export const settings: Tree.Settings = {
  window: { messages: 1_024, bytes: 4_194_304, age: 60_000 },
  announceDelay: 100,
  graftDelay: 150
}

interface Event {
  readonly at: number
  readonly run: () => void
}

export class Trees {
  now = 0
  loss = 0
  /** Payloads that arrived, and each member's messages as `origin/sequence`, in the order of their delivery. */
  payloads = 0
  readonly counts = new Map<string, number>()
  readonly delivered = new Map<string, Array<string>>()
  readonly states = new Map<string, Tree.State>()
  private readonly random: () => number
  private readonly ring = new Overlay.Overlay()
  private readonly events: Array<Event> = []
  private readonly awake = new Set<string>()

  constructor(names: ReadonlyArray<string>, seed: number) {
    this.random = generator(seed)
    for (const name of names) this.join(name)
    this.view()
  }

  /** Adds a member; `view` tells the others. */
  join(name: string): void {
    this.ring.add(name)
    this.states.set(name, Tree.make(name, Math.floor(this.random() * 2 ** 32)))
    this.delivered.set(name, [])
  }

  /** Takes a member away, without a word. */
  crash(name: string): void {
    this.ring.remove(name)
    this.states.delete(name)
  }

  /** Everybody gets to know who is there. */
  view(): void {
    const participants = new Set(this.ring.names)
    for (const name of participants) {
      const [neighbours, branches] = [this.ring.neighbours(name), this.ring.branches(name)]
      this.step(name, { _tag: "View", participants, neighbours, branches })
    }
  }

  publish(name: string, size = 10): void {
    this.step(name, { _tag: "Publish", payload: new Uint8Array(size) })
  }

  step(name: string, input: Tree.Input): void {
    const state = this.states.get(name)
    if (state === undefined) return
    const [next, directives] = Tree.decide(state, input, { now: this.now, settings })
    this.states.set(name, next)
    for (const directive of directives) {
      switch (directive._tag) {
        case "Count": {
          this.counts.set(directive.what, (this.counts.get(directive.what) ?? 0) + 1)
          break
        }
        case "Deliver": {
          this.delivered.get(name)?.push(`${directive.message.origin}/${directive.message.sequence}`)
          break
        }
        case "Send": {
          const { body } = directive
          if (body._tag === "Direct") break
          for (const to of directive.to) {
            if (this.random() < this.loss) continue
            this.after(1 + 4 * this.random(), () => {
              if (!this.states.has(to)) return
              this.payloads += body._tag === "Data" ? 1 : body._tag === "Batch" ? body.messages.length : 0
              this.step(to, { _tag: "Received", from: name, body })
            })
          }
        }
      }
    }
    this.wake(name)
  }

  /** Lets time pass. */
  run(millis: number): void {
    const until = this.now + millis
    for (;;) {
      const next = this.events[0]
      if (next === undefined || next.at > until) break
      this.events.shift()
      this.now = next.at
      next.run()
    }
    this.now = until
  }

  private wake(name: string): void {
    const state = this.states.get(name)
    if (state === undefined || this.awake.has(name) || Tree.nextDue(state) === undefined) return
    this.awake.add(name)
    this.after(50, () => {
      this.awake.delete(name)
      const due = Tree.nextDue(this.states.get(name) ?? state)
      if (due !== undefined && due <= this.now) this.step(name, { _tag: "Tick" })
      else this.wake(name)
    })
  }

  private after(millis: number, run: () => void): void {
    const event = { at: this.now + millis, run }
    let low = 0
    let high = this.events.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.events[middle]?.at ?? Infinity) <= event.at) low = middle + 1
      else high = middle
    }
    this.events.splice(low, 0, event)
  }
}
