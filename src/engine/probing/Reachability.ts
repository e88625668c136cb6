/**
 * What the node knows of the ways to each member (the rules: `swim/probing/Paths.ts`), and who is told when one fails
 * or works again. Everything comes from probes and streams that happen anyway. Nothing is sent for it, and the answer
 * of a member in good standing costs one look.
 *
 * @since 0.1.0
 */
import type { PeerAddress } from "../../base/Address.ts"
import { type Entry, isGone } from "../../swim/membership/Entry.ts"
import { isSame } from "../../swim/probing/Evidence.ts"
import * as Paths from "../../swim/probing/Paths.ts"
import * as Views from "../application/Views.ts"
import { entryOf, type Node } from "../Node.ts"

/** The member answered our ping itself. */
export const acked = (node: Node, target: Entry, sent: number): void => {
  const before = node.heard.paths(target.name)
  become(node, target, before, Paths.acked(before, { sent, aliveSince: target.stateChangedAt }))
}

/** A helper got through to the member, and we did not. `streamFailed`: nor did our ping over TCP. */
export const relayed = (node: Node, target: Entry, sent: number, streamFailed: boolean): void => {
  const before = node.heard.paths(target.name)
  const tried = streamFailed ? Paths.streamFailed(before, sent) : before
  const probe = { sent, aliveSince: target.stateChangedAt }
  become(node, target, before, Paths.relayed(tried, probe, node.heard.packetAt(target.name)))
}

/** Only our ping over TCP got through to the member; so many helpers did not. */
export const tcpOnly = (node: Node, target: Entry, sent: number, helpers: number): void => {
  const before = node.heard.paths(target.name)
  const probe = { sent, aliveSince: target.stateChangedAt }
  become(node, target, before, Paths.tcpOnly(before, probe, helpers, node.heard.packetAt(target.name)))
}

/** Somebody answered at this address, on a stream that we opened. */
export const answeredOnStream = (node: Node, from: PeerAddress): void => {
  const name = node.heard.noteStream(from)
  const entry = name === undefined ? undefined : entryOf(node, name)
  if (entry === undefined) return
  const before = node.heard.paths(entry.name)
  become(node, entry, before, Paths.streamAnswered(before))
}

/** The network did not let a stream to the member through, or it was not served. */
export const streamFailed = (node: Node, target: Entry): void => {
  const before = node.heard.paths(target.name)
  become(node, target, before, Paths.streamFailed(before, node.now()))
}

/** Whether the member is still at its address: it may have failed, left or moved meanwhile. */
export const isThere = (node: Node, member: Entry): boolean => {
  const entry = entryOf(node, member.name)
  return entry !== undefined && !isGone(entry) && isSame(entry.endpoint, member.endpoint)
}

/** The member told its list, and this node is on it or not. */
export const toldList = (node: Node, member: Entry, isListed: boolean): void => {
  if (!isThere(node, member)) return
  const before = node.heard.paths(member.name)
  become(node, member, before, Paths.told(before, isListed))
}

const become = (node: Node, member: Entry, before: Paths.Paths, after: Paths.Paths): void => {
  if (after === before) return
  node.heard.setPaths(member.name, after)
  if (Paths.isAlike(before, after) || !(Paths.isImpaired(before) || Paths.isImpaired(after))) return
  // the member may have changed while it was probed
  const entry = entryOf(node, member.name) ?? member
  node.changes.publish({ _tag: "Rerouted", entry, previous: before, paths: after })
  warn(node, entry, before, after)
}

/** Each is told when it begins, and not again until it was over. */
const warn = (node: Node, { endpoint, incarnation, name }: Entry, before: Paths.Paths, after: Paths.Paths): void => {
  const [was, is] = [Views.reachabilityOf(before), Views.reachabilityOf(after)]
  const about = { member: name, incarnation, peer: endpoint, detail: is.toString() }
  if (!is.impaired) node.logs.note("WaysRestored", about)
  else if (is.tcpOnly) {
    if (!was.tcpOnly) node.logs.note("UdpUnreachable", about)
  } else if (is.tcp === "fails") {
    if (was.tcp !== "fails") node.logs.note("TcpUnreachable", about)
  } else if (is.udpOut === "fails" || is.udpIn === "fails") {
    if (was.udpOut !== "fails" && was.udpIn !== "fails") node.logs.note("UdpIndirect", about)
  } else if (was.listed !== "no") node.logs.note("Unlisted", about)
}
