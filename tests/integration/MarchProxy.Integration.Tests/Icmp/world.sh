#!/bin/sh
# A client, a router and an origin, each in a network namespace of its own. The router's firewall asks the edge about the client's echo requests.
# world.sh FOLDER PROGRAM [ARGUMENT...] runs the program on the router, then prints one line for each thing tried.
set -e
folder=$1
shift
mount -t tmpfs none /run
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding

join() {
  ip netns add "$1"
  ip link add "$1"0 type veth peer name link0 netns "$1"
  ip addr add "10.$2.0.1/24" dev "$1"0
  ip addr add "fd00:$2::1/64" dev "$1"0 nodad
  ip link set "$1"0 up
  ip -n "$1" addr add "10.$2.0.2/24" dev link0
  ip -n "$1" addr add "10.$2.0.3/24" dev link0
  ip -n "$1" addr add "10.$2.0.4/24" dev link0
  ip -n "$1" addr add "fd00:$2::2/64" dev link0 nodad
  ip -n "$1" link set link0 up
  ip -n "$1" link set lo up
  ip -n "$1" route add default via "10.$2.0.1"
  ip -n "$1" route add default via "fd00:$2::1"
}
join client 1
join origin 2

# The nft of some kernels has no queue statement; iptables writes the same rule by its own extension.
iptables -A FORWARD -i client0 -p icmp --icmp-type echo-request -j NFQUEUE --queue-num 5
ip6tables -A FORWARD -i client0 -p icmpv6 --icmpv6-type echo-request -j NFQUEUE --queue-num 5

try() {
  name=$1
  shift
  printf '%s: ' "$name"
  ip netns exec client ping -q -W 1 "$@" 2>&1 | grep 'packet loss' || echo failed
}
try nobody-decides -c 1 10.2.0.2
"$@" >"$folder/proxy.log" 2>&1 &
for _ in $(seq 100); do [ -e "$folder/ready.json" ] && break; sleep 0.1; done
try before -c 3 -i 0.2 10.2.0.2
try before-ipv6 -c 3 -i 0.2 fd00:2::2
try other-address -c 1 10.2.0.4
try no-mapping -c 1 10.2.0.3
ip netns exec client ping -q -i 0.05 -c 80 -W 5 10.2.0.2 >"$folder/long" 2>&1 &
long=$!
old=$(sed 's/.*"pid":\([0-9]*\).*/\1/' "$folder/ready.json")
kill -USR2 "$old"
for _ in $(seq 100); do [ "$(sed 's/.*"pid":\([0-9]*\).*/\1/' "$folder/ready.json")" != "$old" ] && break; sleep 0.1; done
try upgraded -c 3 -i 0.2 10.2.0.2
wait $long || true
printf 'lost-in-upgrade: '
sed -n 's/\([0-9]*\) packets transmitted, \([0-9]*\) received.*/\1 \2/p' "$folder/long" | { read -r sent got; echo $((sent - got)); }
for _ in $(seq 50); do
  curl -s http://127.0.0.1:9901/metrics | grep '^marchproxy_upstream_up' >"$folder/up"
  grep -q 'gone.* 0' "$folder/up" && break
  sleep 0.1
done
cat "$folder/up"
kill -TERM "$(sed 's/.*"pid":\([0-9]*\).*/\1/' "$folder/ready.json")"
for _ in $(seq 100); do pgrep -x dotnet >/dev/null || break; sleep 0.1; done
