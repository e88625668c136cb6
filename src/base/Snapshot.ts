/**
 * What a node remembers across restarts.
 *
 * @stability unstable
 * @since 0.1.0
 */

/**
 * A peer that this node was in touch with.
 *
 * @category models
 * @since 0.1.0
 */
export interface KnownPeer {
  readonly name: string
  /** A canonical IP literal. */
  readonly ip: string
  readonly port: number
  /** When it was last a live member here, in milliseconds of the wall clock. Written exact to `REFRESH`. */
  readonly seen: number
}

/**
 * One snapshot. No key is part of it: a key that is changed while a node is down costs nothing.
 *
 * @category models
 * @since 0.1.0
 */
export interface Snapshot {
  /** The node's own name. */
  readonly name: string
  /** The label of its cluster; empty for none. */
  readonly label: string
  /** No incarnation that this node has ever announced is above this one. */
  readonly incarnation: number
  /** The node has left its cluster, and is not to return by itself. */
  readonly left: boolean
  /** The live ones first, then those of before, the latest first. */
  readonly peers: ReadonlyArray<KnownPeer>
}

/** The most bytes of a snapshot. 4,096 peers with the longest names, each character escaped, are below it. */
export const MAX_BYTES = 16_777_216

/** A live peer's `seen` is written again when it has changed by so many milliseconds. */
export const REFRESH = 3_600_000

/** Whether a snapshot says nothing that another one does not say. */
export const isSame = (one: Snapshot, other: Snapshot): boolean => {
  if (one.incarnation !== other.incarnation || one.left !== other.left) return false
  if (one.name !== other.name || one.label !== other.label) return false
  if (one.peers.length !== other.peers.length) return false
  const peers = new Map(other.peers.map((peer) => [peer.name, peer]))
  return one.peers.every(({ ip, name, port, seen }) => {
    const same = peers.get(name)
    return same !== undefined && same.ip === ip && same.port === port && Math.abs(same.seen - seen) < REFRESH
  })
}
