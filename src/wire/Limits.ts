/**
 * Every limit of the wire format in one place.
 *
 * Each is checked against what the bytes announce, before anything is allocated for it. Where a limit is the
 * reference's own its name there is given; the others bound what the reference leaves open, far above what a correct
 * peer sends.
 *
 * @stability unstable
 * @since 0.1.0
 */

/** Bytes a datagram can hold at most. memberlist: `udpPacketBufSize`. */
export const MAX_DATAGRAM_BYTES = 65_536

/** Bytes of a label; one byte holds the length. memberlist: `LabelMaxSize`. */
export const MAX_LABEL = 255

/** Bytes of metadata a node may announce; not checked on receipt by the codec. memberlist: `MetaMaxSize`. */
export const MAX_META = 512

/** Parts a compound message can hold: its count is one byte. */
export const MAX_COMPOUND_PARTS = 255

/** Parts a compound message is given: releases before 0.2.4 misread a count of 128 and more. */
export const MAX_PARTS = 127

/** Bytes of one part of a compound message: its length is two bytes. */
export const MAX_COMPOUND_PART_BYTES = 65_535

/** Bytes of an encrypted stream frame after its length. memberlist: `maxPushStateBytes`. */
export const MAX_ENCRYPTED_FRAME_BYTES = 20_971_520

/** Node states in one push/pull. memberlist: `maxPushStateNodes`. */
export const MAX_PUSH_PULL_NODES = 1_048_576

/** Bytes of user state in one push/pull. memberlist: `maxPushStateBytes`. */
export const MAX_USER_STATE = 20_971_520

/** Bytes of a user message on a stream. memberlist: `maxUserMsgBytes`. */
export const MAX_USER_MESSAGE = 20_971_520

/** Bytes a compressed stream message may decompress to. memberlist: `maxDecompressedBytes`. */
export const MAX_DECOMPRESSED_BYTES = 41_943_040

/**
 * Bytes of one stream message as received. The reference bounds only the encrypted and the compressed form; the same
 * 40 MiB as for decompression bounds the plain one.
 */
export const MAX_STREAM_BYTES = 41_943_040

/**
 * Bytes all compressed parts of one datagram may decompress to together. The reference allows each 40 MiB, which a
 * single datagram can reach; 1 MiB is 16 full datagrams.
 */
export const MAX_PACKET_DECOMPRESSED_BYTES = 1_048_576

/**
 * Wrappers (compress, compound) around a message in a datagram. Correct peers use two: compress around compound. The
 * reference recurses without limit.
 */
export const MAX_PACKET_NESTING = 4

/**
 * Messages and refused parts one datagram may yield, nested compounds included. A correct peer sends one compound of at
 * most 255.
 */
export const MAX_PACKET_MESSAGES = 1_024

/** Containers a msgpack value may be nested in. go-msgpack: `decDefMaxDepth`. */
export const MAX_MSGPACK_DEPTH = 1_024

/** Nodes that may push/pull with us at the same time. memberlist: `maxPushPullRequests` is one more. */
export const MAX_PUSH_PULLS = 127

/**
 * The largest stream message that is compressed when compression is on; larger ones are sent as they are. LZW is
 * synchronous and takes about 35 ms for a mebibyte: a message of 20 MiB would stop this node's probes and acks for most
 * of a second, and its peers would suspect it. memberlist compresses every stream message; it accepts either.
 */
export const MAX_COMPRESSED_STREAM_INPUT = 1_048_576
