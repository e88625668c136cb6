/**
 * Which addresses are this node's own.
 *
 * @since 0.1.0
 */
import * as Address from "../../base/Address.ts"
import type { Transport } from "../../Transport.ts"

/** Whether an address is this node's own: the one it announces, or one that its socket is bound to. */
export const isOwnAddress = (
  { advertised, bound }: Pick<Transport["Service"], "advertised" | "bound">,
  { ip, port }: Address.PeerAddress
): boolean =>
  (port === advertised.port && ip === Address.ipText(advertised.addr))
  || (port === bound.port && (ip === bound.ip || (Address.isUnspecified(bound.ip) && Address.isLoopback(ip))))
