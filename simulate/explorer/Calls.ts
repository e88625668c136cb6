/**
 * What the application of a node does in one exploration, beside the faults: it calls, and its layer is released or built.
 */
import type { Memberlist } from "effect-memberlist"
import type { SimulatedCluster } from "effect-memberlist/testing"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { MetaOf } from "./OnTop.ts"

export const callNames = [
  "join",
  "joinScoped",
  "leave",
  "updateMeta",
  "updateMetaAndWait",
  "send",
  "sendReliably",
  "ping",
  "broadcast"
] as const

export type CallName = typeof callNames[number]

/**
 * A call, beside whatever else the node does. With `interrupt` its caller is interrupted when the time is over; without, it
 * waits, and a `joinScoped` closes its scope then. It is made where the layer has been released, too.
 */
export interface Call {
  readonly _tag: "Call"
  readonly node: string
  readonly call: CallName
  /** Another node: the seed, or the one to send to. */
  readonly to: string
  readonly interrupt: boolean
}

/** The layer is released, goodbye included; the node starts and joins again when the time is over. */
export interface Release {
  readonly _tag: "Release"
  readonly node: string
}

/** The program dies and starts again: its first build is interrupted after so many steps, the second is not. */
export interface Build {
  readonly _tag: "Build"
  readonly node: string
  readonly steps: number
}

export type Happening = Call | Release | Build

/** Whether it is something that the application does. */
export const isHappening = (fault: { readonly _tag: string }): fault is Happening =>
  fault._tag === "Call" || fault._tag === "Release" || fault._tag === "Build"

/** A node's service in one of its lives, and when that life ended. */
export interface Life {
  readonly memberlist: Memberlist["Service"]
  /** When the release of its layer began, in milliseconds of the network's clock; `Infinity` while it runs. */
  endsAt: number
}

/** How it was when a call had just begun. */
export interface Begun {
  /** What the node said of itself. */
  readonly incarnation: number
  /** What a join announces, at least: a return is one more. */
  readonly announced: number
  /** The life that the peer lived. */
  readonly peer: object | undefined
}

/** How a call went. All times are in milliseconds of the network's clock. */
export interface Called {
  readonly happening: Call
  readonly life: Life
  readonly beganAt: number
  readonly begun: Begun
  /** When its caller was interrupted. */
  readonly interruptedAt: number | undefined
  /** When the end of its scope began, for a `joinScoped`. */
  readonly closedAt: number | undefined
  /** When the call itself had ended, and when the end of its scope was complete as well. */
  readonly answeredAt: number
  readonly endedAt: number
  /** What the call itself ended with; for a `joinScoped`, what the join did. */
  readonly exit: Exit.Exit<unknown, { readonly _tag: string }>
}

const bytes = (text: string) => new TextEncoder().encode(text)

/** A stream that takes several segments, and so some time. */
const LARGE = 100_000

const effectOf = (
  memberlist: Memberlist["Service"],
  { call, to }: Call,
  duration: number,
  metaOf: MetaOf,
  scope: Scope.Scope
): Effect.Effect<unknown, { readonly _tag: string }> => {
  switch (call) {
    case "join":
      return memberlist.join([to])
    case "joinScoped":
      return Scope.provide(memberlist.joinScoped([to]), scope)
    case "leave":
      return memberlist.leave({ timeout: Math.min(duration, 5_000) })
    case "updateMeta":
      return memberlist.updateMeta(metaOf(`u${duration}`))
    case "updateMetaAndWait":
      return memberlist.updateMeta(metaOf(`w${duration}`), { wait: Math.min(duration, 5_000) })
    case "send":
      return memberlist.send({ address: to }, bytes("datagram"))
    case "sendReliably":
      return memberlist.send({ address: to }, new Uint8Array(LARGE), { reliable: true })
    case "ping":
      return memberlist.ping({ address: to })
    case "broadcast":
      return memberlist.broadcast(bytes("news"))
  }
}

/** Makes the call, and ends it as it is planned. */
export const make = Effect.fnUntraced(function*(
  cluster: SimulatedCluster.SimulatedCluster,
  life: Life,
  happening: Call,
  duration: number,
  metaOf: MetaOf,
  begun: () => Begun
): Effect.fn.Return<Called> {
  const inside = Effect.provideService(Clock.Clock, cluster.clock(happening.node))
  const now = Clock.currentTimeMillis
  const scope = yield* Scope.make()
  const beganAt = yield* now
  let answeredAt = beganAt
  const answered = Effect.map(now, (at) => {
    answeredAt = at
  })
  const call = Effect.ensuring(inside(effectOf(life.memberlist, happening, duration, metaOf, scope)), answered)
  const fiber = yield* Effect.forkChild(call, { startImmediately: true })
  const atBegin = begun()
  let interruptedAt: number | undefined
  let closedAt: number | undefined
  if (happening.interrupt) {
    yield* Effect.timeoutOption(Fiber.await(fiber), duration)
    if (fiber.pollUnsafe() === undefined) {
      interruptedAt = yield* now
      yield* Fiber.interrupt(fiber)
    }
  } else if (happening.call === "joinScoped") {
    // whether the join is over by then or not
    yield* Effect.sleep(duration)
  }
  if (happening.call === "joinScoped") {
    closedAt = yield* now
    yield* inside(Scope.close(scope, Exit.void))
  }
  const exit = yield* Fiber.await(fiber)
  return { happening, life, beganAt, begun: atBegin, interruptedAt, closedAt, answeredAt, endedAt: yield* now, exit }
})

/** Releases the layer with `stop`, and starts and joins again when the time is over. Answers 1 if there was a layer. */
export const release = Effect.fnUntraced(function*(
  cluster: SimulatedCluster.SimulatedCluster,
  node: string,
  duration: number,
  stop: Effect.Effect<void>
): Effect.fn.Return<number> {
  if (!(yield* cluster.running).includes(node)) return 0
  yield* stop
  yield* Effect.sleep(duration)
  yield* Effect.orDie(cluster.start(node))
  yield* cluster.rejoin(node)
  return 1
})

/** Lets the program die, and start at the second try. Answers 1 if it ran. */
export const build = Effect.fnUntraced(function*(
  cluster: SimulatedCluster.SimulatedCluster,
  { node, steps }: Build
): Effect.fn.Return<number> {
  if (!(yield* cluster.running).includes(node)) return 0
  yield* cluster.kill(node)
  const starting = yield* Effect.forkChild(Effect.orDie(cluster.start(node)), { startImmediately: true })
  for (let step = 0; step < steps; step++) yield* Effect.yieldNow
  yield* Fiber.interrupt(starting)
  yield* Effect.orDie(cluster.start(node))
  yield* cluster.rejoin(node)
  return 1
})
