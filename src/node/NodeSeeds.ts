/**
 * Seeds from DNS and from a file.
 *
 * ```ts
 * import { Layer } from "effect"
 * import { MemberlistConfig, NodeMemberlist, NodeSeeds } from "effect-memberlist"
 *
 * // a headless service of Kubernetes; it should publish addresses that are not ready
 * const ClusterLive = NodeMemberlist.layer({ ...MemberlistConfig.lan, name: "orders-1" }).pipe(
 *   Layer.provide(NodeSeeds.layerDns({ name: "orders.default.svc.cluster.local" }))
 * )
 * ```
 *
 * A name that is not known, and a file that is missing, are failures of the source: what it told last stays, and it is
 * asked again.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as ByteSize from "effect/ByteSize"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Host from "effect/net/Host"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { format } from "../base/Address.ts"
import { json, withoutTrace } from "../base/PlainText.ts"
import { ConfigInvalid } from "../MemberlistError.ts"
import { Seeds, SeedSourceFailed } from "../Seeds.ts"
import type { Service } from "./DnsMessage.ts"
import * as NodeResolver from "./NodeResolver.ts"
import * as NodeTcp from "./NodeTcp.ts"

/**
 * How a source is asked.
 *
 * @category models
 * @since 0.1.0
 */
export interface Polling {
  /** How often it is asked again, a fifth more or less. DNS: 30 s by default; a file: 5 s. */
  readonly interval?: Duration.Input | undefined
}

/**
 * How DNS is asked.
 *
 * @category models
 * @since 0.1.0
 */
export interface DnsOptions extends Polling {
  /** A host's name, or that of a service: `_memberlist._tcp.orders.default.svc.cluster.local`. */
  readonly name: string
  /** The file that names the DNS server, `/etc/resolv.conf` by default; empty for the operating system alone. */
  readonly dnsConfigPath?: string | undefined
  /** How long the operating system may take, default 10 s. */
  readonly timeout?: Duration.Input | undefined
}

const invalid = (field: string, value: unknown, expected: string) =>
  withoutTrace(new ConfigInvalid({ field, value: json(value) ?? String(value), expected }))

const DURATION = "a finite duration of at least 1 millisecond, such as \"30 seconds\""

/** A duration that time can pass by. */
const duration = (field: string, given: Duration.Input): Effect.Effect<Duration.Duration, ConfigInvalid> => {
  const found = Option.getOrUndefined(Duration.fromInput(given))
  const millis = found === undefined ? 0 : Duration.toMillis(found)
  return found !== undefined && Number.isFinite(millis) && millis >= 1
    ? Effect.succeed(found)
    : Effect.fail(invalid(field, given, DURATION))
}

/** Asks at once, and then again and again. The first failure ends it: whoever runs it says when it is asked again. */
const polled = (ask: Effect.Effect<ReadonlyArray<string>, SeedSourceFailed>, interval: Duration.Duration) =>
  Stream.fromEffectSchedule(ask, Schedule.jittered(Schedule.spaced(interval)))

const dns = Effect.fnUntraced(function*(
  kind: "layerDns" | "layerSrv",
  options: DnsOptions,
  ask: (options: Omit<NodeResolver.Options, "notify" | "system">) => Effect.Effect<ReadonlyArray<string>, Error>
): Effect.fn.Return<Seeds["Service"], ConfigInvalid> {
  const { dnsConfigPath = "/etc/resolv.conf", name } = options
  if (Result.isFailure(Host.domainNameFromString(name))) {
    return yield* invalid(`${kind}.name`, name, "the name of a host or a service; addresses go to Seeds.layerStatic")
  }
  const interval = yield* duration(`${kind}.interval`, options.interval ?? Duration.seconds(30))
  const timeout = yield* duration(`${kind}.timeout`, options.timeout ?? Duration.seconds(10))
  const source = `${kind === "layerSrv" ? "DNS SRV" : "DNS"} ${name}`
  const asking = Effect.mapError(
    ask({ open: NodeTcp.opener(Duration.zero), dnsConfigPath, timeout }),
    ({ message }) => new SeedSourceFailed({ source, kind: "Lookup", cause: message })
  )
  return Seeds.of({ source, changes: polled(asking, interval) })
})

/**
 * The addresses of a name (A and AAAA), each a seed, at the given port, or at the node's own.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerDns = (
  options: DnsOptions & { readonly port?: number | undefined }
): Layer.Layer<Seeds, ConfigInvalid> =>
  Layer.effect(
    Seeds,
    Effect.suspend(() => {
      const { name, port } = options
      if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
        return Effect.fail(invalid("layerDns.port", port, "an integer from 1 to 65535, or none for the node's own"))
      }
      const text = (ip: string) => port === undefined ? ip : format({ ip, port })
      return dns("layerDns", options, (how) => Effect.map(NodeResolver.make(how)(name), (ips) => ips.map(text)))
    })
  )

/** A host of a service as a seed, or as a text that nobody can take for one. */
const seedOf = ({ name, port }: Service): string =>
  Result.isSuccess(Host.domainNameFromString(name)) && port > 0 ? `${name}:${port}` : `no host: ${json(name)}:${port}`

/** The lowest priority and the highest weight first. A service without a host is said to be at none (RFC 2782). */
const ordered = (services: ReadonlyArray<Service>): ReadonlyArray<string> =>
  [...services]
    .filter(({ name }) => name !== "")
    .sort((a, b) => a.priority - b.priority || b.weight - a.weight)
    .map(seedOf)

/**
 * The hosts and ports of a service (SRV), each a seed: the lowest priority first, then the highest weight.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerSrv = (options: DnsOptions): Layer.Layer<Seeds, ConfigInvalid> =>
  Layer.effect(
    Seeds,
    dns("layerSrv", options, (how) => Effect.map(NodeResolver.services(how, options.name), ordered))
  )

/** A larger file is not a list of seeds, bytes. */
const MAX_FILE = 2_097_152n

/** One seed a line; `#` begins a comment. */
const lines = (text: string): ReadonlyArray<string> =>
  text.replace(/^\uFEFF/, "").split("\n").map((line) => line.replace(/#.*/, "").trim()).filter((line) => line !== "")

/**
 * The seeds of a file: one a line, `#` begins a comment. It is read every 5 s, because not every file system tells of
 * changes, and an empty file is no seeds.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerFile = (
  options: Polling & { readonly path: string }
): Layer.Layer<Seeds, ConfigInvalid, FileSystem.FileSystem> =>
  Layer.effect(
    Seeds,
    Effect.gen(function*() {
      const { path } = options
      const files = yield* FileSystem.FileSystem
      const interval = yield* duration("layerFile.interval", options.interval ?? Duration.seconds(5))
      const source = `file ${path}`
      const failed = (cause: unknown) => new SeedSourceFailed({ source, kind: "File", cause })
      const read = Effect.gen(function*() {
        const info = yield* Effect.mapError(files.stat(path), failed)
        const { type } = info
        const size = ByteSize.toBigInt(info.size)
        if (type !== "File") return yield* failed(`it is no file, but a ${type}`)
        if (size > MAX_FILE) return yield* failed(`it has ${size} bytes, and a list of seeds at most ${MAX_FILE}`)
        return lines(yield* Effect.mapError(files.readFileString(path), failed))
      })
      return Seeds.of({ source, changes: polled(read, interval) })
    })
  )
