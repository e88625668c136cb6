/**
 * Counts and logs what the transport tells of itself.
 *
 * @since 0.1.0
 */
import type { TransportNotice } from "../../Transport.ts"
import type { Counters } from "./Counters.ts"
import type { Logs } from "./Logs.ts"

/** Returns who is to be told. */
export const listener =
  (counters: Pick<Counters, "count">, logs: Pick<Logs, "note">) => (notice: TransportNotice): void => {
    switch (notice._tag) {
      case "PortChosen":
        return logs.note("PortChosen", { peer: notice.bound })
      case "BindRetried":
        return logs.note("BindRetried", { peer: notice.address, detail: notice.detail })
      case "PacketsDropped":
        counters.count("udp.dropped", undefined, notice.count)
        return logs.note("PacketsDropped", { detail: `${notice.count} packets: ${notice.detail}` })
      case "StreamRefused":
        counters.count("tcp.refused")
        return logs.note("StreamsRefused", { peer: notice.peer, detail: notice.detail })
      case "StreamEnded":
        return logs.note("StreamEnded", { peer: notice.peer, detail: notice.detail })
      case "StreamDied":
        return logs.note("StreamDied", { peer: notice.peer, cause: notice.cause })
      case "LookupFailed":
        return logs.note("DnsOverTcpFailed", { seed: notice.host, detail: notice.detail })
    }
  }
