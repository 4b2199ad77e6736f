# What people read, installed as README refers to it.
nobase_dist_doc_DATA = README.md LICENSE \
	docs/ARCHITECTURE.md \
	docs/FAULTS.md \
	docs/LAB.md \
	docs/OPERATING.md \
	docs/PERFORMANCE.md \
	docs/REASONS.md \
	docs/decisions/0001-keys-in-network-order.md \
	docs/decisions/0002-three-masks.md \
	docs/decisions/0003-software-twin.md \
	docs/decisions/0004-answers-wait-for-a-round.md \
	docs/decisions/0005-adopted-counters.md \
	docs/decisions/0006-chains-by-the-engine.md \
	docs/decisions/0007-tunnels-past-the-stack.md \
	docs/decisions/0008-last-counts.md \
	docs/decisions/0009-meters-in-tiers.md \
	docs/decisions/0010-placement.md \
	docs/decisions/0011-kept-over-restarts.md \
	docs/decisions/0012-megaflows-that-overlap.md \
	docs/decisions/0013-sampled-once.md
