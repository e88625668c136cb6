/**
 * Everything the protocol logs, in one table: the level, a fixed text, and for every warning and error what to do about
 * it (the types see to that). What varies (peer, member, incarnation, reason) is annotated, never part of the text, so
 * entries can be searched and grouped, and names chosen by peers stay out of the text.
 *
 * The levels are those of memberlist, except where the comments say otherwise.
 *
 * @since 0.1.0
 */
import type { RejectionReason } from "../../wire/message/Rejection.ts"

export type Level = "Debug" | "Info" | "Warn" | "Error"

export type LogMessage =
  | {
    readonly level: "Debug" | "Info"
    readonly text: string
    /** Others can cause it as often as they like, so its repetitions are summed up as those of a warning. */
    readonly limited?: boolean
  }
  | {
    readonly level: "Warn" | "Error"
    readonly text: string
    /** What the operator, or the developer, can do. */
    readonly advice: string
  }

const debug = (text: string): LogMessage => ({ level: "Debug", text })
const info = (text: string): LogMessage => ({ level: "Info", text })
const limited = (text: string): LogMessage => ({ level: "Info", text, limited: true })
const warn = (text: string, advice: string): LogMessage => ({ level: "Warn", text, advice })
const error = (text: string, advice: string): LogMessage => ({ level: "Error", text, advice })

const everybodyCurrent = "if the peer is a member, check that both run compatible releases; "
  + "if it is not, keep strangers off this port or set a secretKey"

export const messages = {
  // starting and stopping
  Started: debug("started"),
  BindRetried: debug("the port the system chose for TCP is taken for UDP; trying another"),
  PortChosen: debug("the system chose the port"),
  PublicWithoutEncryption: warn(
    "announcing a public address without encryption: whoever reaches the port can read and forge the membership",
    "set a secretKey on every member, or advertise a private address"
  ),
  LoopRestarted: error(
    "a part of the protocol died and is restarted",
    "this is a defect: please report it with the cause; the node goes on"
  ),
  WorkDied: error("a piece of work died", "this is a defect: please report it with the cause; the node goes on"),
  ReceiveFailed: error(
    "could not receive; trying again",
    "check this host's network and its limit of open files; if it persists, restart the node"
  ),

  // joining
  SeedFailed: debug("could not join through this address"),
  DnsOverTcpFailed: debug("no answer from the DNS server over TCP; asking the operating system"),
  SeedUnresolvable: warn(
    "a seed's host name has no address",
    "check the name and this host's DNS; the other seeds are tried"
  ),
  AutoJoinWaits: debug("no seed has let this node in so far; trying again"),
  AutoJoinFailed: warn(
    "could not join through any seed; trying again",
    "read why in `detail`: nobody answers (does a seed run, is its TCP port open to this host), label, keys or versions "
      + "differ, a delegate refuses this node, or its name is taken until the former member is found dead"
  ),
  SeedsUnavailable: warn(
    "the source of the seeds failed and is asked again; the seeds it told last stay",
    "check the DNS name, the file or the stream that Seeds was given"
  ),
  SeedsRefused: warn(
    "left out seeds that the source told",
    "write each as [name/]host[:port], at most 1,024 of them: a few members that are probably there are enough"
  ),

  // restarts
  SnapshotRead: debug("read the snapshot of an earlier life"),
  SnapshotUnread: warn(
    "could not read or move away the snapshot; this node begins without what it knew",
    "let this node's user read, write and rename in the snapshot's folder; seeds lead into the cluster meanwhile"
  ),
  SnapshotRefused: warn(
    "moved a snapshot away that is damaged, or is not of this node, which begins without what it knew",
    "give each node a path of its own; if name and label are right the file was damaged, which a crash alone does not do"
  ),
  SnapshotUnwritten: warn(
    "could not write the snapshot; trying again",
    "create its folder, let this node's user write there, and check the free space; the node runs, but would not "
      + "remember its peers after a restart"
  ),
  SnapshotLate: warn(
    "the storage of the snapshot does not answer; going on without",
    "check the disk or the network it is on; the node runs, but would not remember its peers after a restart"
  ),
  PeerUnreached: debug("could not join through a peer of the snapshot"),
  PeerReplaced: limited("somebody else is at the address of a peer of the snapshot; it is forgotten"),
  RejoinWaits: limited("no peer of the snapshot answers; trying again in the background"),

  // members
  PingUnanswered: debug("a ping was not answered in time; asking other members"),
  // an error in memberlist; but this is how every crash is found, and what follows from it is told at info
  StreamPingFailed: debug("a ping over TCP was not answered either"),
  MemberSuspected: info("suspecting a member: nobody got an answer from it"),
  MemberFailed: info("declaring a member failed: the suspicion was not refuted in time"),
  VerdictHeld: info("a suspicion is over, but nobody at all was heard since it began: it goes on once"),
  LatenessDied: error(
    "the Lateness that was provided threw; the node goes by its own timers",
    "fix measure and busy of the Lateness: they must not throw"
  ),
  NodeLate: warn(
    "this node was late: answers to its probes may have lain unread, and it doubts itself before it accuses others",
    "where the event loop was busy, move the work that blocks it to a worker thread or split it up; "
      + "where it was not, the process did not get to run: give it more CPU"
  ),
  MemberRecovered: info("a member that was suspected here refuted it"),
  VerdictHeard: debug("a member's state changed on the word of others"),
  AddressTaken: info("the name of a departed or failed member came back at another address"),
  UdpUnreachable: warn(
    "a member answers over TCP but not over UDP",
    "let the member's UDP port through in both directions, firewalls often open TCP alone; "
      + "if small packets pass, lower udpBufferSize below what the network carries (MTU)"
  ),
  TcpUnreachable: warn(
    "a member answers over UDP but not over TCP: no state is exchanged with it",
    "let the member's TCP port through, and check the address and port it advertises"
  ),
  UdpIndirect: warn(
    "a member answers others over UDP, but not this node",
    "check routes and firewalls between the two hosts, in both directions; meanwhile other members help to probe it"
  ),
  Unlisted: warn(
    "a member answers, but does not list this node: it neither probes this node nor tells it what changes",
    "look at that member's log: its delegate may refuse this node, its allowed addresses may leave it out, "
      + "or its table may be full"
  ),
  WaysRestored: info("a member is reached over every way again that is known"),
  Refuted: warn(
    "refuted an accusation of this node",
    "once is harmless; if it repeats, this node or its network is too slow to answer probes: "
      + "give it more CPU, or raise probeTimeout or suspicionMult"
  ),
  // a warning in memberlist; here every restart begins with it, that of a node that had left too
  EarlierLife: {
    level: "Debug",
    text: "answered what members remember of this node from before it was restarted with a higher incarnation",
    limited: true
  },
  NameRefused: warn(
    "ignored a member whose name is not UTF-8, or is longer than 512 bytes",
    "rename that member: this node answers it, but does not know it; nobody else is affected"
  ),
  NameConflict: error(
    "two nodes claim one name; the first is kept and the other ignored",
    "give one of them another name, or, if it moved, set deadNodeReclaimTime or let it leave before it moves"
  ),
  NameReplaced: warn(
    "a node took the name of a member at another address, as nameConflictPolicy allows",
    "if both run, give one of them another name; if the member moved, nothing is to be done"
  ),
  SplitSuspected: warn(
    "several members, or all others, were lost together: they may be on the other side of a split",
    "look at the network between them and this node; if they are gone for good, nothing is to be done"
  ),
  Healed: info("a member that was lost together with others is back"),
  Whole: info("of the members that were lost together nobody is missing any more"),
  HealRefused: warn(
    "somebody else is where a lost member, or a seed, was expected; it is not contacted again",
    "if it belongs to the cluster, compare its label, keys, protocol versions and name with this node's, and join again"
  ),
  VersionsRefused: warn(
    "ignored an alive message whose protocol versions are missing or contradictory",
    "upgrade the member that is named, or set its protocolVersion to one this node speaks"
  ),
  IncarnationJump: warn(
    "ignored a claim that raises a member's incarnation further than any member counts",
    "somebody forges claims: set a secretKey on every member; a member that was raised this far elsewhere "
      + "is known again here after it was forgotten, or at once under another name"
  ),
  AddressNotAllowed: warn(
    "ignored a member, or its new address, outside of the allowed networks",
    "add the network to cidrsAllowed if it belongs to the cluster; list IPv4 and IPv6 separately"
  ),
  AliveBlocked: debug("ignored an alive message from an address outside of the allowed networks"),
  ContactBlocked: debug("ignored a packet or stream from an address outside of the allowed networks"),
  NotAdmitted: warn(
    "the delegate did not admit a member",
    "stop that member or let the delegate's admit hook accept it; it will keep announcing itself"
  ),
  MemberEvicted: warn(
    "forgot a member that nothing ever came from, to make place for another: the member table is full",
    "raise maxMembers, or find out who announces so many names"
  ),
  TableFull: warn(
    "ignored a new member: the member table is full",
    "raise maxMembers, or find out who announces so many names"
  ),

  // packets
  PacketsDropped: warn(
    "dropped packets before they were read: the receive buffer is full",
    "raise packetBuffer, or give this process more CPU"
  ),
  QueueFull: warn(
    "dropped a message: the queue of received messages is full",
    "raise handoffQueueDepth, or make the delegate's hooks faster; this node cannot keep up"
  ),
  DecryptionTime: warn(
    "packets that no key opens take too much time; those of unknown peers are dropped untried",
    "keep strangers off this port, and remove keys from the ring that nobody uses any more"
  ),
  ManyKeys: warn(
    "the ring has many keys, and every packet that cannot be opened is tried with all of them",
    "finish the rotation: keyring.remove the keys that nobody uses any more"
  ),
  PingForAnother: warn(
    "a ping for another member arrived here",
    "its sender holds an outdated address, which settles by itself unless two members advertise one address and port"
  ),
  SendFailed: error(
    "could not send",
    "check routes, firewalls and the peer's advertised address; a member that crashed is declared failed by itself"
  ),

  // streams
  StreamAccepted: debug("accepted a stream"),
  StreamEmpty: debug("a stream ended before it carried a message"),
  StreamEnded: debug("a stream ended before it was served"),
  StreamsRefused: warn(
    "closing inbound streams at once: too many are open, and the transport cannot end them as fast",
    "find out who opens so many connections to this port; keep strangers off it"
  ),
  StreamEvicted: warn(
    "ended an idle inbound stream to make room for another",
    "find out who opens so many connections to this port, or sends so much without a key; "
      + "if they are members, raise maxInboundStreams, maxInboundBytes or maxPushPulls, as the reason says"
  ),
  StreamFailed: error(
    "an inbound stream broke or took too long",
    "check the connection to the peer; raise tcpTimeout if large states need longer"
  ),
  StreamDied: error("serving a stream died", "this is a defect: please report it with the cause; the node goes on"),
  PushPullStarted: debug("exchanging state"),
  PushPullFailed: error(
    "could not exchange state with a member",
    "check that the member's TCP port is open to this host, and that label, keys and versions agree; "
      + "another member is tried next time"
  ),
  ListRefused: error(
    "refused a peer's list of members, and told it why",
    "follow the reason: protocol versions must overlap, and the delegate's merge hook must accept the list"
  ),
  TooManyPushPulls: error(
    "refused a push/pull: too many are in progress",
    "raise maxPushPulls, or lengthen pushPullInterval on all members"
  ),
  RemoteStateLarge: warn(
    "a peer's state is above 60 % of what a stream frame may hold",
    "shorten metadata or the delegate's user state, or use fewer members, before exchanges begin to fail"
  ),
  UserStateTooLarge: error(
    "the delegate's user state is larger than peers accept; it was left out",
    "make the delegate's localState return at most 20 MiB"
  ),

  // the application
  SubscriberSlow: warn(
    "a subscriber is too slow and lost the oldest it had not read",
    "read the stream faster, or raise eventBuffer or messageBuffer; missed tells the subscriber how many it lost"
  ),
  HookDied: error(
    "a hook of the delegate died; the protocol goes on without its answer",
    "fix the hook: its failures must be handled in it, and its answer must be what its type says"
  ),
  HookLate: warn(
    "a hook of the delegate took too long; the protocol goes on without its answer",
    "make the hook faster, or let it start its work and answer from what it knows"
  ),
  HookReentered: warn(
    "a hook of the delegate was reached again from inside itself, and not called",
    "let the hook end before what it forked reaches it again, or do it from the events instead"
  ),
  HookStuck: warn(
    "calls of a hook of the delegate had not ended when the node closed; they were interrupted and left behind",
    "make the hook interruptible, or give what it waits for a timeout"
  ),
  NoticesDropped: warn(
    "dropped a notice to the delegate: too many are waiting for its hook",
    "make the hook faster; it is called again only when it has ended"
  )
} as const satisfies Readonly<Record<string, LogMessage>>

/** What was refused by its bytes, and what that usually means. */
const refusals: Readonly<Record<RejectionReason, LogMessage>> = {
  Undecryptable: error(
    "it cannot be decrypted with any key of this node",
    "wrong key? whichever of the two lacks the cluster's key needs it: here add it (keyring.add, or effect-memberlist "
      + "keys add), or change the sender's settings; while encryption is rolled out, set gossipVerifyIncoming to false"
  ),
  FirstCipher: error(
    "it is sealed with encryption version 0, and no member speaks protocol version 1",
    "let a member of protocolVersion 1 join over TCP, after which its packets are taken; if there is none, "
      + "somebody alters packets on their way"
  ),
  Plaintext: error(
    "it is not encrypted, and this node demands it",
    "give the peer the secretKey, or set gossipVerifyIncoming to false here while encryption is rolled out"
  ),
  Encrypted: error("it is encrypted, and this node has no key", "set the cluster's secretKey on this node"),
  LabelMismatch: error(
    "its label is not this cluster's: perhaps a peer of another cluster",
    "give both the same label if they belong together, else remove the address from the peer's seeds"
  ),
  DoubleLabel: error(
    "it has a label although skipInboundLabelCheck says that labels are removed before they arrive",
    "set skipInboundLabelCheck to false, or let what is in front remove the label"
  ),
  LabelEmpty: error("its label header is empty", everybodyCurrent),
  LabelTruncated: error("its label header is cut short", everybodyCurrent),
  ChecksumMismatch: warn(
    "its checksum is wrong",
    "once is a corrupted packet; if it repeats, look for faulty network hardware on the way"
  ),
  Truncated: warn(
    "it is cut short",
    "if it repeats, lower udpBufferSize on the sender below what the network carries, and raise tcpTimeout for streams"
  ),
  Empty: error("it has no message", everybodyCurrent),
  UnsupportedType: error("it has a message type that is unknown here", everybodyCurrent),
  InvalidMessage: error("it cannot be decoded", everybodyCurrent),
  InvalidCompression: error("it cannot be decompressed", everybodyCurrent),
  TooLarge: error(
    "it is larger than any correct message",
    "shorten user state and metadata if the peer is a member; if it is not, keep strangers off this port"
  ),
  TooDeep: error("it is nested too deeply", everybodyCurrent),
  TooMany: error(
    "it has more messages, fields or values than any correct one",
    everybodyCurrent
  )
}

const refused = <Kind extends string>(
  kind: Kind,
  what: string
): Readonly<Record<`${Kind}.${RejectionReason}`, LogMessage>> =>
  Object.fromEntries(
    Object.entries(refusals).map(([reason, message]) => [
      `${kind}.${reason}`,
      { ...message, text: `refused ${what}: ${message.text}` }
    ])
  ) as Record<`${Kind}.${RejectionReason}`, LogMessage>

/** Every entry, by its name. */
export const table = {
  ...messages,
  ...refused("PacketRejected", "a packet"),
  ...refused("StreamRejected", "a stream")
}

export type LogEntry = keyof typeof table

/** The whole text. */
export const textOf = (message: LogMessage): string =>
  "advice" in message ? `${message.text}; ${message.advice}` : message.text
