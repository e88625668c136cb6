/**
 * Calls to members: an Effect `RpcGroup` that members serve, and that others call by the name of a member, on all that
 * match, or on the owner of a key. The calls of a member that fails end at once, with an error that names it.
 *
 * ```ts
 * import { Effect, Layer, Schema } from "effect"
 * import { MemberlistConfig, NodeMemberlist } from "effect-memberlist"
 * import * as MemberRpc from "effect-memberlist/MemberRpc"
 * import * as NodeMemberRpc from "effect-memberlist/NodeMemberRpc"
 * import { Rpc, RpcGroup } from "effect/rpc"
 *
 * const Group = RpcGroup.make(Rpc.make("Greet", { payload: { who: Schema.String }, success: Schema.String }))
 * const Calls = MemberRpc.make("calls", Group)
 *
 * const CallsLive = Layer.mergeAll(
 *   Calls.layer(),
 *   Calls.serve().pipe(Layer.provide(Group.toLayer({ Greet: ({ who }) => Effect.succeed(`hello ${who}`) })))
 * ).pipe(
 *   Layer.provide(NodeMemberRpc.layerSocket()),
 *   Layer.provideMerge(NodeMemberlist.layer({ ...MemberlistConfig.lan, name: "worker-1" }))
 * )
 *
 * const program = Effect.gen(function*() {
 *   const calls = yield* Calls
 *   return yield* calls.on({ name: "worker-2" }).Greet({ who: "you" })
 * })
 * ```
 *
 * Calls are not covered by the cluster's key: `docs/rpc.md` says what is promised and what is not, and shows TLS.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Rpc from "effect/rpc/Rpc"
import type * as RpcClient from "effect/rpc/RpcClient"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import * as RpcSchema from "effect/rpc/RpcSchema"
import * as RpcServer from "effect/rpc/RpcServer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { json, withoutTrace } from "./base/PlainText.ts"
import type { Member } from "./Member.ts"
import { Memberlist } from "./Memberlist.ts"
import { ConfigInvalid, UnknownMember } from "./MemberlistError.ts"
import * as MemberMeta from "./MemberMeta.ts"
import { Ring, type RingEmpty } from "./Ring.ts"
import {
  type CallError,
  ClientsFull,
  DeadlinePassed,
  EndpointInvalid,
  type EndpointRefused,
  isCallError,
  type ListenFailed,
  NotServing
} from "./rpc/CallError.ts"
import * as Clients from "./rpc/Clients.ts"
import * as Endpoint from "./rpc/Endpoint.ts"
import * as Failure from "./rpc/Failure.ts"
import * as Flights from "./rpc/Flights.ts"
import { type Connector, Listener } from "./rpc/Wiring.ts"

export * from "./rpc/CallError.ts"
export { Connector, Listener } from "./rpc/Wiring.ts"

/**
 * The client of one member: that of Effect's `RpcClient`, with errors of ours. Streams end with them too.
 *
 * @category models
 * @since 0.1.0
 */
export type Client<Rpcs extends Rpc.Any> = RpcClient.RpcClient<Rpcs, CallError>

/**
 * What one member answered.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reply<A, E> {
  readonly member: Member
  readonly result: Result.Result<A, E>
}

/**
 * What bounds the clients of a layer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** How long a connection without calls stays open. Default: one minute. */
  readonly idleTimeToLive?: Duration.Input | undefined
  /**
   * How many members are connected at most. Where one more is called, the connection that has been idle for the longest
   * time is closed; without an idle one, the call fails with `ClientsFull`. Default: 256.
   */
  readonly maxClients?: number | undefined
}

/**
 * How a member serves.
 *
 * @category models
 * @since 0.1.0
 */
export interface ServeOptions {
  /** The IP address that others call. Default: the one that the member itself is known by. */
  readonly host?: string | undefined
  /** The port that others call, where something in between maps it. Default: the one that it listens at. */
  readonly port?: number | undefined
  /** How many calls run at once; others wait for their turn. Default: no limit. */
  readonly concurrency?: number | "unbounded" | undefined
}

/**
 * Who is asked by `all`, and until when.
 *
 * @category models
 * @since 0.1.0
 */
export interface AllOptions {
  /** Which of those that serve are asked. Default: all, this node included where it serves. */
  readonly where?: ((member: Member) => boolean) | undefined
  /** When the stream ends at the latest. Default: 10 seconds. */
  readonly deadline?: Duration.Input | undefined
  /** How many are asked at once. Default: 16. */
  readonly concurrency?: number | undefined
}

/**
 * The calls to members, from this node.
 *
 * @category services
 * @since 0.1.0
 */
export interface Service<Rpcs extends Rpc.Any> {
  /**
   * The client for a member, by its name: each call goes where the member of this name serves when the call begins.
   *
   * **Details**
   *
   * A call ends at once when the member fails, leaves or moves (`MemberGone`), and when its connection breaks
   * (`CallBroken`). It is never sent twice. It has no time limit of its own.
   */
  readonly on: (member: Member | { readonly name: string }) => Client<Rpcs>
  /** The client for the member that a key belongs to now. */
  readonly owner: (key: string) => Effect.Effect<Client<Rpcs>, RingEmpty, Ring>
  /**
   * Asks each live member that serves and matches, and gives one reply for each, in the order in which they come. Who
   * has not answered at the deadline has the reply `DeadlinePassed`, and its call is interrupted.
   */
  readonly all: <A, E, R>(
    ask: (client: Client<Rpcs>, member: Member) => Effect.Effect<A, E, R>,
    options?: AllOptions
  ) => Stream.Stream<Reply<A, E | DeadlinePassed>, never, R>
  /** The live members that announce that they serve, suspects and this node included. */
  readonly members: Effect.Effect<ReadonlyArray<Member>>
}

/**
 * The identity of the service in types.
 *
 * @category models
 * @since 0.1.0
 */
export interface Id<in out Rpcs extends Rpc.Any, Name extends string> {
  readonly calls: Name
  readonly rpcs: (rpcs: Rpcs) => Rpcs
}

/**
 * The key of the service, which is yielded for it, and what needs no service.
 *
 * @category models
 * @since 0.1.0
 */
export interface MemberRpc<in out Rpcs extends Rpc.Any, Name extends string = string>
  extends Context.Service<Id<Rpcs, Name>, Service<Rpcs>>
{
  /** The name of the calls. */
  readonly calls: Name
  /** The section of metadata that tells where a member serves: `r:` and the name. */
  readonly section: string
  /**
   * Calls others. A node that only calls serves nothing, and one that only serves needs no `layer`. Throws
   * `ConfigInvalid` where `maxClients` is less than 1.
   */
  readonly layer: (
    options?: Options
  ) => Layer.Layer<Id<Rpcs, Name>, never, Memberlist | Connector | Rpc.MiddlewareClient<Rpcs>>
  /**
   * Serves the group while the layer lives, and announces where. It takes the announcement back first, then interrupts
   * the calls that run, then closes the connections.
   */
  readonly serve: (
    options?: ServeOptions
  ) => Layer.Layer<
    never,
    ListenFailed | ConfigInvalid | MemberMeta.MetaNameTaken | MemberMeta.ChangeError,
    Memberlist | Listener | Rpc.ToHandler<Rpcs> | Rpc.Middleware<Rpcs> | Rpc.ServicesServer<Rpcs>
  >
  /** Whether a member announces that it serves: as `eligible` of a `Ring`, for example. */
  readonly serves: (member: Member) => boolean
}

/** The most bytes that a section of metadata can be called, less those of the prefix. */
const MAX_NAME = 64

const checkedName = (name: string): void => {
  if (/^[A-Za-z0-9][\w.-]*$/.test(name) && name.length <= MAX_NAME) return
  throw withoutTrace(
    new ConfigInvalid({
      field: "MemberRpc.make name",
      value: json(name),
      expected: `1 to ${MAX_NAME} letters, digits, "_", "." and "-", the first a letter or a digit`
    })
  )
}

/** A client by tags, as it is called here: what a tag takes and gives is told by the type of `Client`. */
type Call = (
  tag: string,
  payload: unknown,
  options?: CallOptions
) => Effect.Effect<unknown, unknown> | Stream.Stream<unknown, unknown>

interface CallOptions {
  readonly asQueue?: boolean | undefined
  readonly streamBufferSize?: number | undefined
}

/** Calls that failed with an error of ours, by the name of the calls and the error's tag. */
const failedCalls = Metric.counter("memberlist.rpc.failed", {
  description: "calls to members that were refused, or had no result",
  incremental: true
})

/** How many values of a stream wait for a slow reader, as in Effect's own client. */
const STREAM_BUFFER = 16

const checked = (options: Options): Options => {
  const { maxClients = 1 } = options
  if (maxClients >= 1) return options
  throw withoutTrace(
    new ConfigInvalid({ field: "MemberRpc.maxClients", value: json(String(maxClients)), expected: "at least 1" })
  )
}

/**
 * Makes the key of calls: a name, which is the same at every member, and the group that they are made of.
 *
 * **Details**
 *
 * The name is 1 to 64 letters, digits, `_`, `.` and `-`. A node can have several, each with a group, an address and a
 * section of metadata of its own.
 *
 * **Gotchas**
 *
 * Another name is a defect of the program: `ConfigInvalid` is thrown.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <const Name extends string, Rpcs extends Rpc.Any>(
  name: Name,
  group: RpcGroup.RpcGroup<Rpcs>
): MemberRpc<Rpcs, Name> => {
  checkedName(name)
  const key = Context.Service<Id<Rpcs, Name>, Service<Rpcs>>(`effect-memberlist/MemberRpc/${name}`)
  const meta = MemberMeta.make(Endpoint.Announced, { name: `r:${name}` })
  const streams = new Set(
    [...group.requests].flatMap(([tag, rpc]) =>
      RpcSchema.isStreamSchema((rpc as unknown as Rpc.AnyWithProps).successSchema) ? [tag] : []
    )
  )

  /** Where a member serves, as it announces. */
  const endpointOf = (
    cluster: Memberlist["Service"],
    member: Member
  ): Result.Result<Endpoint.Endpoint, NotServing | EndpointInvalid | EndpointRefused> => {
    const announced = meta.decode(member)
    if (Result.isFailure(announced)) {
      return Result.fail(
        new EndpointInvalid({
          member: member.name,
          calls: name,
          value: "what does not decode",
          expected: `a section "${meta.section}" as MemberRpc writes it (${announced.failure.reason})`
        })
      )
    }
    return Option.isNone(announced.success)
      ? Result.fail(new NotServing({ member: member.name, calls: name }))
      : Endpoint.resolve(name, member, announced.success.value, {
        own: ipOf(cluster.info.advertised),
        admits: cluster.admits
      })
  }

  const start = Effect.fnUntraced(function*(
    options: Options
  ): Effect.fn.Return<Service<Rpcs>, never, Memberlist | Connector | Rpc.MiddlewareClient<Rpcs> | Scope.Scope> {
    const cluster = yield* Memberlist
    const clients = yield* Clients.make(group, name, {
      idleTimeToLive: options.idleTimeToLive ?? "1 minute",
      maxClients: options.maxClients ?? 256
    })
    // after the clients, so that calls are ended before their connections are
    const flights = yield* Flights.make(
      name,
      cluster,
      (member) => Result.match(endpointOf(cluster, member), { onFailure: () => undefined, onSuccess: Endpoint.text })
    )

    /** A live member, and where it serves. */
    const find = (target: string) =>
      Effect.flatMap(
        cluster.member(target),
        (
          found
        ): Effect.Effect<
          readonly [Member, Endpoint.Endpoint],
          UnknownMember | NotServing | EndpointInvalid | EndpointRefused
        > => {
          if (Option.isNone(found) || found.value.state === "dead" || found.value.state === "left") {
            return Effect.fail(new UnknownMember({ target }))
          }
          const member = found.value
          return Effect.map(Effect.fromResult(endpointOf(cluster, member)), (endpoint) => [member, endpoint] as const)
        }
      )

    /** A call that begins, with the client for it; both until the scope closes. */
    const begin = Effect.fnUntraced(function*(target: string) {
      const [member, endpoint] = yield* find(target)
      const flight = yield* flights.begin(member, Endpoint.text(endpoint))
      const client = yield* Effect.raceFirst(
        Effect.mapError(
          clients.to(endpoint),
          () => new ClientsFull({ member: target, calls: name, limit: options.maxClients ?? 256 })
        ),
        Deferred.await(flight.ended)
      )
      return { flight, call: client.call as unknown as Call, failed: Deferred.await(client.failed) }
    })

    /** Counts an error, where it is one of ours. */
    const count = (error: unknown) =>
      isCallError(error)
        ? Metric.update(Metric.withAttributes(failedCalls, { calls: name, reason: error._tag }), 1)
        : Effect.void

    const effectOf = (target: string, tag: string, payload: unknown, options: CallOptions | undefined) =>
      Effect.scoped(
        Effect.flatMap(begin(target), ({ call, failed, flight }) =>
          Effect.suspend(() =>
            call(tag, payload, options) as Effect.Effect<unknown, unknown>
          ).pipe(
            Effect.raceFirst(failed),
            Effect.catchCause((cause) => Effect.failCause(Failure.explain(name, flight, cause))),
            Effect.raceFirst(Deferred.await(flight.ended)),
            Effect.provideService(Clients.CurrentFlight, flight)
          ))
      ).pipe(Effect.tapError(count))

    const streamOf = (target: string, tag: string, payload: unknown, options: CallOptions | undefined) =>
      Stream.unwrap(
        Effect.map(begin(target), ({ call, failed, flight }) =>
          Stream.suspend(() =>
            call(tag, payload, options) as Stream.Stream<unknown, unknown>
          ).pipe(
            Stream.interruptWhen(failed),
            Stream.catchCause((cause) => Stream.failCause(Failure.explain(name, flight, cause))),
            Stream.interruptWhen(Deferred.await(flight.ended)),
            Stream.provideService(Clients.CurrentFlight, flight)
          ))
      ).pipe(Stream.tapError(count))

    const methodOf = (target: string, tag: string) => {
      if (!streams.has(tag)) {
        return (payload: unknown, options?: CallOptions) => effectOf(target, tag, payload, options)
      }
      return (payload: unknown, { asQueue = false, ...options }: CallOptions = {}) => {
        const stream = streamOf(target, tag, payload, options)
        return asQueue ? Stream.toQueue(stream, { capacity: options.streamBufferSize ?? STREAM_BUFFER }) : stream
      }
    }

    const on = (target: { readonly name: string }): Client<Rpcs> =>
      Object.fromEntries(
        [...group.requests.keys()].map((tag) => [tag, methodOf(target.name, tag)])
      ) as unknown as Client<Rpcs>

    const members = Effect.map(cluster.members, (list) => list.filter(announces))

    const all: Service<Rpcs>["all"] = (ask, { concurrency = 16, deadline = "10 seconds", where = () => true } = {}) =>
      Stream.unwrap(Effect.gen(function*() {
        const limit = Duration.fromInputUnsafe(deadline)
        const late = yield* Deferred.make<void>()
        yield* Effect.forkScoped(Effect.delay(Deferred.succeed(late, undefined), limit))
        const passed = (member: Member, asked: boolean) =>
          Effect.fail(
            new DeadlinePassed({ member: member.name, calls: name, deadline: Duration.toMillis(limit), asked })
          )
        return Stream.fromIterable((yield* members).filter(where)).pipe(
          Stream.mapEffect(
            (member) =>
              Effect.suspend(() =>
                Deferred.isDoneUnsafe(late)
                  ? passed(member, false)
                  : Effect.raceFirst(
                    Effect.suspend(() => ask(on(member), member)),
                    Effect.andThen(Deferred.await(late), passed(member, true))
                  )
              ).pipe(
                Effect.result,
                Effect.map((result) => ({ member, result }))
              ),
            { concurrency: concurrency >= 1 ? concurrency : 1, unordered: true }
          )
        )
      }))

    return key.of({
      on,
      owner: (id) => Effect.flatMap(Ring, (ring) => Effect.map(ring.ownerOf(id), on)),
      all,
      members
    })
  })

  const announces = (member: Member): boolean => {
    const announced = meta.decode(member)
    return Result.isFailure(announced) || Option.isSome(announced.success)
  }

  const serve = ({ concurrency = "unbounded", host, port: mapped }: ServeOptions = {}) =>
    Layer.effectDiscard(Effect.gen(function*() {
      const cluster = yield* Memberlist
      const listener = yield* Listener
      // before anything listens
      yield* Effect.fromResult(Endpoint.announced(mapped ?? 1, host))
      if (concurrency !== "unbounded" && !(concurrency >= 1)) {
        return yield* new ConfigInvalid({
          field: "MemberRpc serve concurrency",
          value: String(concurrency),
          expected: "1 or more, or \"unbounded\": with fewer, no call would ever begin"
        })
      }
      const { port, protocol } = yield* listener.listen({ calls: name, bound: ipOf(cluster.info.bound) })
      yield* RpcServer.make(group, { concurrency, disableFatalDefects: true }).pipe(
        Effect.provideService(RpcServer.Protocol, protocol),
        Effect.forkScoped({ startImmediately: true })
      )
      const announced = yield* Effect.fromResult(Endpoint.announced(mapped ?? port, host))
      yield* Layer.build(meta.layer(announced))
    }))

  return Object.assign(key, {
    calls: name,
    section: meta.section,
    layer: (options: Options = {}) => Layer.effect(key, start(checked(options))),
    serve,
    serves: (member: Member) => Option.isSome(meta.get(member))
  })
}

/** The IP literal of `ip:port`. */
const ipOf = (address: string): string => address.slice(0, address.lastIndexOf(":")).replace(/^\[|\]$/g, "")
