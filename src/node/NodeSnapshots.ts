/**
 * Snapshots in files of Node.js.
 *
 * ```ts
 * import { Layer } from "effect"
 * import { MemberlistConfig, NodeMemberlist, NodeSnapshots } from "effect-memberlist"
 *
 * const ClusterLive = NodeMemberlist.layer({ ...MemberlistConfig.lan, name: "orders-1" }).pipe(
 *   Layer.provide(NodeSnapshots.layerFile("/var/lib/orders/memberlist.snapshot"))
 * )
 * ```
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Layer from "effect/Layer"
import type { ConfigInvalid } from "../MemberlistError.ts"
import { type Options, Snapshots } from "../Snapshots.ts"

/**
 * The same as `Snapshots.layerFile`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerFile = (path: string, options?: Options): Layer.Layer<Snapshots, ConfigInvalid> =>
  Layer.provide(Snapshots.layerFile(path, options), NodeFileSystem.layer)
