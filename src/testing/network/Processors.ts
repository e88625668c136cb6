/**
 * Processors that handle what arrives at some hosts, one packet after the other at each host, and buffers where it
 * waits meanwhile. A host that stands still lets its packets wait, and works them off when it goes on.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import type { Deliveries } from "./Deliveries.ts"

/** A machine, as far as it matters here. */
export interface Machine {
  /** It stands still, and handles nothing. */
  readonly paused: boolean
}

interface Waiting {
  /** When it arrived, in milliseconds. */
  readonly at: number
  readonly charge: number
  readonly handle: () => void
}

/** What waits at one host. */
interface Line {
  readonly host: Machine
  readonly waiting: Array<Waiting>
  charge: number
  /** When the latest packet was handled, or the host went on. */
  free: number
}

/** Linux: the descriptor of a packet; what is around its payload; and the least that is allocated. */
const DESCRIPTOR = 256
const AROUND = 64 + 42 + 320
const LEAST = 512

/**
 * What Linux charges a socket's buffer for a packet of so many bytes (`truesize`): its descriptor, and its data with
 * headers in an allocation of a power of two.
 */
export const chargeOf = (bytes: number): number => {
  let allocation = LEAST
  while (allocation < bytes + AROUND) allocation *= 2
  return DESCRIPTOR + allocation
}

export class Processors {
  /** Packets that had to wait, or found no room. */
  hits = 0
  /** In the order of their turns. */
  private lines: Array<Line>
  private readonly byHost: ReadonlyMap<Machine, Line>
  /** When each processor has handled its latest packet, in milliseconds. */
  private readonly free: Array<number>
  private readonly wakeup = Latch.makeUnsafe(false)
  private readonly deliveries: Deliveries
  private readonly perMessage: number
  private readonly buffer: number

  constructor(options: {
    readonly hosts: ReadonlyArray<Machine>
    readonly deliveries: Deliveries
    /** Milliseconds. */
    readonly perMessage: number
    /** Bytes at each host, as Linux charges them. */
    readonly buffer: number
    /** Shared by all hosts, none of which uses two at once. */
    readonly cores: number
  }) {
    this.lines = [...new Set(options.hosts)].map((host) => ({ host, waiting: [], charge: 0, free: 0 }))
    this.byHost = new Map(this.lines.map((line) => [line.host, line]))
    this.free = Array.from({ length: Math.min(options.cores, this.lines.length) }, () => 0)
    this.deliveries = options.deliveries
    this.perMessage = options.perMessage
    this.buffer = options.buffer
  }

  /** Takes a packet, unless the buffer is full. Linux takes one more when anything is left. */
  offer(host: Machine, bytes: number, handle: () => void): boolean {
    const line = this.byHost.get(host)
    if (line === undefined) {
      handle()
      return true
    }
    const at = this.deliveries.now()
    this.hits++
    if (line.charge > this.buffer) return false
    const charge = chargeOf(bytes)
    line.charge += charge
    line.waiting.push({ at, charge, handle })
    this.wakeup.openUnsafe()
    return true
  }

  /** A host that stood still goes on. */
  goOn(host: Machine): void {
    const line = this.byHost.get(host)
    if (line === undefined) return
    line.free = Math.max(line.free, this.deliveries.now())
    this.wakeup.openUnsafe()
  }

  /** Handles packets until the scope closes; what still waits then is handled at once. */
  readonly run: Effect.Effect<void, never, Scope.Scope> = Effect.suspend(() => {
    const step = Effect.suspend(() => {
      const now = this.deliveries.now()
      const next = this.advance(now)
      if (next !== undefined) return this.deliveries.sleep(Math.max(1, Math.ceil(next - now)))
      this.wakeup.closeUnsafe()
      return this.wakeup.await
    })
    return Effect.andThen(
      Effect.addFinalizer(() => Effect.sync(() => this.flush())),
      Effect.asVoid(Effect.forkScoped(Effect.forever(step)))
    )
  })

  /** Handles what is done by now; answers when the next packet is. */
  private advance(now: number): number | undefined {
    for (;;) {
      const core = this.free.indexOf(Math.min(...this.free))
      let start = Infinity
      let chosen: Line | undefined
      for (const line of this.lines) {
        const [head] = line.waiting
        if (head === undefined || line.host.paused) continue
        const begin = Math.max(this.free[core] ?? 0, line.free, head.at)
        if (begin >= start) continue
        start = begin
        chosen = line
      }
      const end = start + this.perMessage
      if (chosen === undefined) return undefined
      if (end > now) return end
      this.free[core] = end
      chosen.free = end
      const turn = chosen
      this.lines = [...this.lines.filter((line) => line !== turn), turn]
      this.handle(turn)
    }
  }

  private handle(line: Line): void {
    const head = line.waiting.shift()
    if (head === undefined) return
    line.charge -= head.charge
    head.handle()
  }

  private flush(): void {
    for (const line of this.lines) while (line.waiting.length > 0) this.handle(line)
  }
}
