# SPDX-License-Identifier: Apache-2.0
NET_SRCS += net/proto.c net/proto_session.c net/proto_copy.c
