# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# For tests of knowledge bases: documents of some sense, so that what is compiled from them can be told.
#
#	write_docs DIR		five documents: a.md b.md c.txt and sub/d.md, sub/e.md
#	new_kb DIR		an empty knowledge base, in LARDER_KB
#	tree DIR		its files but for the state and the log: to compare before and after
#	whole DIR		its files with the log, whose entries have the time: with LARDER_NOW

write_docs() {
	mkdir -p "$1/sub"
	cat >"$1/a.md" <<-'END'
		# Storage engines

		A storage engine writes pages to disk. The write-ahead log records every change first.

		## Write-ahead log

		The write-ahead log is a file to which changes are appended before pages are written.
		After a crash the write-ahead log is replayed by the recovery code of Acme Database.
		Checkpoints move pages from the write-ahead log into the database file.

		## Page cache

		The page cache holds pages in memory. Dirty pages of the page cache are written later.
		People at Acme Database measured the page cache in 2024.
	END
	cat >"$1/b.md" <<-'END'
		# Recovery

		Recovery reads the write-ahead log from the last checkpoint. In the write-ahead log
		each record has a checksum, which recovery verifies before it is applied.

		## Checksums

		A checksum that does not match ends recovery. Engineers of Acme Database chose CRC32 as the
		checksum, and the checksum covers the header of each record.
	END
	cat >"$1/c.txt" <<-'END'
		Gardening notes

		Tomatoes need warm soil before they are planted. Warm soil is measured with a thermometer
		in the morning. Compost keeps warm soil loose, and tomatoes like loose soil.
	END
	cat >"$1/sub/d.md" <<-'END'
		# Compost

		Compost is made of leaves and kitchen waste. A compost heap must be turned every month.
		The compost heap gets hot in its middle, and a hot compost heap kills seeds.
	END
	cat >"$1/sub/e.md" <<-'END'
		# Checkpoints

		A checkpoint copies pages from the write-ahead log to the database file. Readers of Acme Database
		may hold a checkpoint back. The page cache is flushed before the checkpoint ends.
	END
}

new_kb() {
	larder kb init "$1" -q
	LARDER_KB=$1
	export LARDER_KB
}

tree() {
	(cd "$1" && find . -path ./.larder -prune -o -type f ! -path ./wiki/log.md -exec sha256sum {} + -o -type d -print | sort -k 2)
}

whole() {
	(cd "$1" && find . -path ./.larder -prune -o -type f -exec sha256sum {} + | sort -k 2)
}
