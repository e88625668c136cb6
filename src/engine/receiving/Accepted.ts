/**
 * What of the packets and streams that arrive can be read: with which label, keys and limits.
 *
 * @since 0.1.0
 */
import * as Ref from "effect/Ref"
import type { Keyring } from "../../Keyring.ts"
import type { MemberlistConfig } from "../../MemberlistConfig.ts"
import type { Membership } from "../../swim/membership/Membership.ts"
import * as Versions from "../../swim/membership/Versions.ts"
import type { Inbound } from "../../wire/packet/Packet.ts"
import type { Settings } from "../Units.ts"

/** Tells what is accepted with the ring's keys as they are now, or with some of them. */
export const make = (
  config: MemberlistConfig["Service"],
  settings: Settings,
  keyring: Keyring["Service"],
  membership: Ref.Ref<Membership>
): (keys?: ReadonlyArray<Uint8Array>) => Inbound => {
  const inboundWith = (keys: ReadonlyArray<Uint8Array>): Inbound => ({
    label: settings.label,
    skipLabelCheck: config.skipInboundLabelCheck,
    keys,
    verifyIncoming: config.gossipVerifyIncoming,
    maxDecompressed: config.maxDecompressedPacket,
    // derived when it is asked for, which only packets of that cipher do
    get acceptsFirstCipher() {
      return config.protocolVersion === 1 || Versions.anySpeaks(Ref.getUnsafe(membership).entries, 1)
    }
  })
  // The same for packet after packet: making it costs more than most packets cost to decode.
  let inbound: Inbound | undefined
  return (keys = keyring.keysUnsafe()) => {
    if (inbound?.keys !== keys) inbound = inboundWith(keys)
    return inbound
  }
}
