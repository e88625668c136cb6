/**
 * A whole node in one layer: configuration, sockets and service.
 *
 * ```ts
 * import { MemberlistConfig, NodeMemberlist } from "effect-memberlist"
 *
 * const ClusterLive = NodeMemberlist.layer({ ...MemberlistConfig.lan, name: "orders-1" })
 * ```
 *
 * What is optional is provided below it, with `Layer.provide`: a `Delegate`, a `Keyring`, a `HostName`
 * (`NodeHostName.layer`), `Seeds`. `Memberlist.info` tells what was found. Another transport, or a configuration that
 * other layers read as well, is put together by hand: `Memberlist.layer`, `NodeTransport.layer`,
 * `MemberlistConfig.layer`.
 *
 * **Gotchas**
 *
 * As with any layer, one value used twice in a program is one node, also when each use is provided with another
 * delegate. Each call of `layer` gives another; `Layer.fresh` makes another of `layerEnv`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { Memberlist } from "./Memberlist.ts"
import { MemberlistConfig, type Settings } from "./MemberlistConfig.ts"
import type { SeedInvalid, StartError } from "./MemberlistError.ts"
import * as NodeTransport from "./node/NodeTransport.ts"
import { Seeds } from "./Seeds.ts"

/** Made for each: one value would be built once, and be one node, whatever it is provided with. */
const node = () => Layer.provide(Memberlist.layer, NodeTransport.layer)

/**
 * A node over UDP and TCP with these settings.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (settings: Settings): Layer.Layer<Memberlist, StartError> =>
  Layer.provide(node(), MemberlistConfig.layer(settings))

/** The variable's seeds where there are any, unless the program provides others. */
const seedsOfEnv: Layer.Layer<never, Config.ConfigError | SeedInvalid> = Layer.unwrap(
  Effect.gen(function*(): Effect.fn.Return<
    Layer.Layer<never, Config.ConfigError | SeedInvalid>,
    Config.ConfigError
  > {
    const provided = yield* Effect.serviceOption(Seeds)
    const variable = yield* Config.option(Config.String("MEMBERLIST_SEEDS"))
    return Option.isSome(provided) || Option.isNone(variable) ? Layer.empty : Seeds.layerEnv
  })
)

/**
 * A node over UDP and TCP whose settings are read from the `ConfigProvider`, by default the environment: see
 * `MemberlistConfig.layerEnv`. Its seeds are those of `MEMBERLIST_SEEDS`, unless `Seeds` are provided below it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerEnv: Layer.Layer<Memberlist, StartError | SeedInvalid | Config.ConfigError> = node().pipe(
  Layer.provide(seedsOfEnv),
  Layer.provide(MemberlistConfig.layerEnv)
)
