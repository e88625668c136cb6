/**
 * Which ways lead from this node to a member and back, and whether the member has this node on its list, as far as what
 * is sent anyway has shown. Each node sees its own: the cluster agrees on who is there, not on who reaches them how.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * One way: `works` and `fails` are what was seen last, `unknown` means that nothing told so far, or that one of two
 * ways fails and it cannot be told which.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Way = Schema.Literals(["unknown", "works", "fails"])
/** @since 0.1.0 */
export type Way = typeof Way.Type

/**
 * Whether this node was on the member's list when the two last exchanged lists; `unknown` until then.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Listed = Schema.Literals(["unknown", "yes", "no"])
/** @since 0.1.0 */
export type Listed = typeof Listed.Type

/**
 * The three ways. A way `fails` only while the member is reached in another: one that nothing reaches is suspected,
 * which is told by its `Verdict`.
 *
 * @category models
 * @since 0.1.0
 */
export class Reachability extends Schema.Class<Reachability>("effect-memberlist/Reachability")({
  /** Our packets to the member. */
  udpOut: Way,
  /** The member's packets to us. */
  udpIn: Way,
  /** Streams that we open to the member. */
  tcp: Way,
  /**
   * Whether the member lists this node. One that does not was told of it in two exchanges and left it out all the same:
   * it neither probes this node nor tells it, or others of it, anything. Found by periodic push/pulls.
   */
  listed: Listed
}) {
  /** Whether any way fails, or the member does not list this node. */
  get impaired(): boolean {
    return this.udpOut === "fails" || this.udpIn === "fails" || this.tcp === "fails" || this.listed === "no"
  }

  /** Whether the member is reached by TCP, and not by UDP. */
  get tcpOnly(): boolean {
    return this.tcp === "works" && (this.udpOut === "fails" || this.udpIn === "fails")
  }

  /** What is likely to be the matter; `undefined` when nothing is. */
  get likelyCause(): string | undefined {
    const { listed, tcp, udpIn, udpOut } = this
    if (tcp === "fails") {
      return "TCP is blocked towards the member (firewall, security group, wrong advertised port): no push/pull with it"
    }
    if (udpOut === "fails" && udpIn === "works") {
      return "UDP is blocked towards the member, and not from it (firewall, security group)"
    }
    if (udpOut === "fails") return "UDP is blocked (firewall, security group), or packets are too long (MTU)"
    if (udpIn === "fails") {
      return "UDP is blocked between this node and the member in at least one direction; others reach it"
    }
    return listed === "no"
      ? "the member refuses this node (its delegate, its allowed addresses, or a full table); others may list it"
      : undefined
  }

  /** For people: `UDP out fails, UDP in works, TCP works`, and `, does not list this node`. */
  override toString(): string {
    const ways = `UDP out ${this.udpOut}, UDP in ${this.udpIn}, TCP ${this.tcp}`
    return this.listed === "no" ? `${ways}, does not list this node` : ways
  }
}
