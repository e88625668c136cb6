/** A few datagrams, sent once. */
import { createSocket } from "node:dgram"

export const sendOnce = async (port: number, ...packets: ReadonlyArray<Uint8Array>): Promise<void> => {
  const socket = createSocket("udp4")
  try {
    for (const packet of packets) {
      await new Promise<void>((resolve, reject) =>
        socket.send(packet, port, "127.0.0.1", (error) => error === null ? resolve() : reject(error))
      )
    }
  } finally {
    socket.close()
  }
}
