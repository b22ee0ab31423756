# SPDX-License-Identifier: Apache-2.0
# The replica server and the operator's command. REPLICA_SRCS is what both are made of and what
# tests link; the main files are apart.

# the store: state directory, database, storage daemon, points and images
REPLICA_STORE_SRCS := $(addprefix replica/,)

REPLICA_SRCS := $(REPLICA_STORE_SRCS)
REPLICA_LIBS := -lnbd -lsqlite3 -ljansson -lssl -lcrypto
