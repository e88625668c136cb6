/**
 * The operating system's host name as the default name of a node, as in memberlist.
 *
 * ```ts
 * import { Layer } from "effect"
 * import { MemberlistConfig, NodeHostName } from "effect-memberlist"
 *
 * const ConfigLive = MemberlistConfig.layer(MemberlistConfig.lan).pipe(Layer.provide(NodeHostName.layer))
 * ```
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as Os from "node:os"
import { HostName } from "../HostName.ts"

/**
 * One node per host: two with this layer on the same host would have the same name.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<never> = Layer.sync(HostName, () => Os.hostname())
