# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# For scripts that need an object store; sourced after lib.sh. It is Ceph's: one monitor, one storage daemon that keeps
# everything in memory, and the S3 gateway, in a folder of their own on loopback, without systemd or a configured machine.
#
#	free_port		sets PORT: one of 127.0.0.1 at which nobody listens
#	has_ceph		is all of it installed?
#	start_ceph DIR		sets S3_URL; S3_KEY and S3_SECRET are a user's. Ends with the promise
#	s3_rclone ARGS...	rclone, which knows that store as `store:`
#	s3_put PATH FILE	a signed PUT: of a bucket's policy, say

S3_KEY=larder S3_SECRET=a-secret-of-tests
export S3_KEY S3_SECRET

free_port() {
	PORT=$((${PORT:-$((12000 + $$ % 20000))} + 1))
	until curl -s -o /dev/null "http://127.0.0.1:$PORT"; [ $? = 7 ]; do
		PORT=$((PORT + 1))
	done
}

has_ceph() {
	for ceph_program in ceph ceph-mon ceph-osd ceph-authtool monmaptool radosgw radosgw-admin rclone; do
		command -v $ceph_program >/dev/null || return 1
	done
}

# The gateway insists on cephx, so all have it. One of everything, few placement groups, and a monitor
# that does not wait for others: it is there in five seconds.
ceph_conf() { # DIR MON_PORT S3_PORT
	cat <<END
[global]
fsid = 4c617264-6572-4000-8000-000000000001
mon_host = v2:127.0.0.1:$2
public_network = 127.0.0.0/8
keyring = $1/keyring
run_dir = $1
crash_dir = $1
admin_socket =
log_file = $1/\$name.log
mon_cluster_log_file =
mon_data = $1/mon
osd_data = $1/osd
rgw_data = $1
paxos_propose_interval = 0.02
paxos_min_wait = 0.01
osd_objectstore = memstore
memstore_device_bytes = 256M
osd_crush_chooseleaf_type = 0
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
mon_allow_pool_size_one = true
rgw_frontends = beast endpoint=127.0.0.1:$3
rgw_thread_pool_size = 8
rgw_run_sync_thread = false
rgw_enable_gc_threads = false
rgw_enable_lc_threads = false
rgw_enable_quota_threads = false
END
}

ceph_keyring() { # KEY
	cat <<END
[mon.]
key = $1
caps mon = "allow *"
[client.admin]
key = $1
caps mon = "allow *"
caps osd = "allow *"
caps mgr = "allow *"
[osd.0]
key = $1
caps mon = "allow profile osd"
caps osd = "allow *"
END
}

start_ceph() { # DIR
	mkdir -p "$1/mon" "$1/osd"
	ceph_dir=$(cd "$1" && pwd)
	ceph_conf=$ceph_dir/conf
	ceph_osd=4c617264-6572-4000-8000-000000000002
	free_port
	ceph_port=$PORT
	free_port
	ceph_conf "$ceph_dir" "$ceph_port" "$PORT" >"$ceph_conf"
	ceph_keyring "$(ceph-authtool --gen-print-key)" >"$ceph_dir/keyring"
	monmaptool --create --fsid 4c617264-6572-4000-8000-000000000001 --addv a "[v2:127.0.0.1:$ceph_port]" "$ceph_dir/monmap"
	ceph-mon -c "$ceph_conf" --mkfs -i a --monmap "$ceph_dir/monmap" --keyring "$ceph_dir/keyring"
	start "$1/mon.run" ceph-mon -c "$ceph_conf" -i a -f
	timeout 60 ceph -c "$ceph_conf" osd new $ceph_osd
	ceph-osd -c "$ceph_conf" --mkfs -i 0 --osd-uuid $ceph_osd
	start "$1/osd.run" ceph-osd -c "$ceph_conf" -i 0 -f
	timeout 60 radosgw-admin -c "$ceph_conf" user create --uid larder --display-name larder \
		--access-key "$S3_KEY" --secret-key "$S3_SECRET" >"$1/user.json"
	start "$1/rgw.run" radosgw -c "$ceph_conf" -n client.admin -f
	S3_URL=http://127.0.0.1:$PORT
	WAIT_SECONDS=60 wait_for "curl -s -o /dev/null $S3_URL"
}

s3_rclone() {
	env -u AWS_CA_BUNDLE RCLONE_CONFIG=/dev/null RCLONE_CONFIG_STORE_TYPE=s3 RCLONE_CONFIG_STORE_PROVIDER=Ceph \
		RCLONE_CONFIG_STORE_ENDPOINT="$S3_URL" RCLONE_CONFIG_STORE_ACCESS_KEY_ID="$S3_KEY" \
		RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY="$S3_SECRET" rclone --log-level ERROR "$@"
}

s3_put() { # PATH FILE
	curl -sSf --aws-sigv4 aws:amz:us-east-1:s3 --user "$S3_KEY:$S3_SECRET" --request PUT --data-binary "@$2" \
		--header "x-amz-content-sha256: $(sha256sum <"$2" | cut -c1-64)" "$S3_URL/$1"
}
