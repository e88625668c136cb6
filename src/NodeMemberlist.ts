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
 * (`NodeHostName.layer`). `Memberlist.info` tells what was found. Another transport, or a configuration that other
 * layers read as well, is put together by hand: `Memberlist.layer`, `NodeTransport.layer`, `MemberlistConfig.layer`.
 *
 * **Gotchas**
 *
 * As with any layer, one value used twice in a program is one node, also when each use is provided with another
 * delegate. Each call of `layer` gives another; `Layer.fresh` makes another of `layerEnv`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import * as Layer from "effect/Layer"
import { Memberlist } from "./Memberlist.ts"
import { MemberlistConfig, type Settings } from "./MemberlistConfig.ts"
import type { StartError } from "./MemberlistError.ts"
import * as NodeTransport from "./node/NodeTransport.ts"

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

/**
 * A node over UDP and TCP whose settings are read from the `ConfigProvider`, by default the environment: see
 * `MemberlistConfig.layerEnv`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerEnv: Layer.Layer<Memberlist, StartError | Config.ConfigError> = Layer.provide(
  node(),
  MemberlistConfig.layerEnv
)
