/**
 * A member of the cluster, as this node sees it at one moment: an immutable snapshot. memberlist: `Node`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Address from "./base/Address.ts"
import * as PlainText from "./base/PlainText.ts"

/**
 * `alive` and `suspect` members are in the list; `dead` and `left` ones are remembered for a while, so that late news
 * about them is not mistaken for a return. memberlist: `NodeStateType`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const MemberState = Schema.Literals(["alive", "suspect", "dead", "left"])
/** @since 0.1.0 */
export type MemberState = typeof MemberState.Type

const Version = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
const UInt32 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4294967295 }))

/**
 * The protocol range a member speaks (`min`‥`max`), the version it uses now, and the same three for its delegate.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ProtocolVersions = Schema.Struct({
  min: Version,
  max: Version,
  current: Version,
  delegateMin: Version,
  delegateMax: Version,
  delegateCurrent: Version
})
/** @since 0.1.0 */
export type ProtocolVersions = typeof ProtocolVersions.Type

/**
 * One member.
 *
 * @category models
 * @since 0.1.0
 */
export class Member extends Schema.Class<Member>("effect-memberlist/Member")({
  /** The member's identity, unique in the cluster. */
  name: Schema.String,
  /** The raw address bytes it announced, 4 or 16. */
  addr: Schema.Uint8Array,
  port: Schema.Port,
  /** Up to 512 opaque bytes the member announced about itself; empty when it announced none. */
  meta: Schema.Uint8Array,
  state: MemberState,
  /** Raised by the member itself when it refutes, updates or returns. */
  incarnation: UInt32,
  versions: ProtocolVersions
}) {
  /** The canonical IP literal. */
  get ip(): string {
    return Address.ipText(this.addr) ?? ""
  }
  /** `ip:port`, with an IPv6 address in brackets. */
  get address(): string {
    return Address.format({ ip: this.ip, port: this.port })
  }
  /** The metadata as UTF-8 text. */
  get metaText(): string {
    return new TextDecoder().decode(this.meta)
  }
  /** For people: the name as it can be shown. */
  override toString(): string {
    return `${PlainText.name(this.name)} (${this.address}) ${this.state}`
  }
}

/**
 * The target of a message or a ping: a member, a member's name, or whoever is at an address, `[name/]ip:port`. The name
 * in front of an address is the member expected there, which `requireNodeNames` demands.
 *
 * @category models
 * @since 0.1.0
 */
export type Recipient =
  | Member
  | { readonly name: string; readonly address?: never }
  | { readonly address: string; readonly name?: never }
