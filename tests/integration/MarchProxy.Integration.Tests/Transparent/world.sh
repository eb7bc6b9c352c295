#!/bin/sh
# A client, a router and an origin, each in a network namespace of its own. The router catches ports 80 and 443 by TPROXY and 8080 by REDIRECT,
# over IPv4 and IPv6. world.sh FOLDER PROGRAM [ARGUMENT...] runs the program on the router, then prints one line for each thing tried.
set -e
folder=$1
shift
mount -t tmpfs none /run
ip link set lo up

join() {
  ip netns add "$1"
  ip link add "$1"0 type veth peer name link0 netns "$1"
  ip addr add "10.$2.0.1/24" dev "$1"0
  ip addr add "fd00:$2::1/64" dev "$1"0 nodad
  ip link set "$1"0 up
  ip -n "$1" addr add "10.$2.0.2/24" dev link0
  ip -n "$1" addr add "10.$2.0.3/24" dev link0
  ip -n "$1" addr add "fd00:$2::2/64" dev link0 nodad
  ip -n "$1" link set link0 up
  ip -n "$1" link set lo up
  ip -n "$1" route add default via "10.$2.0.1"
  ip -n "$1" route add default via "fd00:$2::1"
}
join client 1
join origin 2

cat >"$folder/rules" <<'RULES'
table inet catch {
  chain caught {
    type filter hook prerouting priority mangle;
    iifname "client0" meta nfproto ipv4 tcp dport { 80, 443, 2222 } tproxy ip to 127.0.0.1:15001 meta mark set 1 accept
    iifname "client0" meta nfproto ipv6 tcp dport { 80, 443 } tproxy ip6 to [::1]:15003 meta mark set 1 accept
  }
  chain moved {
    type nat hook prerouting priority dstnat;
    iifname "client0" tcp dport 8080 redirect to :15002
  }
}
RULES
nft -f "$folder/rules"
ip rule add fwmark 1 lookup 100
ip route add local 0.0.0.0/0 dev lo table 100
ip -6 rule add fwmark 1 lookup 100
ip -6 route add local ::/0 dev lo table 100

sed "s#FOLDER#$folder#g" >"$folder/nginx.conf" <<'NGINX'
pid FOLDER/nginx.pid; error_log FOLDER/nginx.log; daemon on; worker_processes 1; user root;
events {}
http { access_log off; client_body_temp_path FOLDER/b; proxy_temp_path FOLDER/p; fastcgi_temp_path FOLDER/f; uwsgi_temp_path FOLDER/u; scgi_temp_path FOLDER/s;
  server { listen 80; listen [::]:80; listen 8080; listen [::]:8080; listen 443 ssl; listen [::]:443 ssl; ssl_certificate FOLDER/tls.pem; ssl_certificate_key FOLDER/tls.key;
    location / { return 200 "origin for $host from $remote_addr\n"; } } }
NGINX
ip netns exec origin nginx -c "$folder/nginx.conf"
ip netns exec origin ncat -l -k 2222 -c 'echo hello' >/dev/null 2>&1 &

"$@" >"$folder/proxy.log" 2>&1 &
proxy=$!
for _ in $(seq 100); do [ -e "$folder/ready.json" ] && break; sleep 0.1; done

try() {
  name=$1
  shift
  printf '%s: ' "$name"
  ip netns exec client curl -sS -k -m 5 "$@" 2>&1 | head -1 || true
}
try tproxy-http --resolve orders.test:80:10.2.0.2 http://orders.test/
try tproxy-https --resolve orders.test:443:10.2.0.2 https://orders.test/
try tproxy-ipv6 --resolve 'orders.test:80:[fd00:2::2]' http://orders.test/
try tproxy-ipv6-https --resolve 'orders.test:443:[fd00:2::2]' https://orders.test/
try redirect --resolve orders.test:8080:10.2.0.2 http://orders.test:8080/
try redirect-ipv6 --resolve 'orders.test:8080:[fd00:2::2]' http://orders.test:8080/
try other-name --resolve elsewhere.test:80:10.2.0.2 http://elsewhere.test/
try other-name-https --resolve elsewhere.test:443:10.2.0.2 https://elsewhere.test/
try other-address --resolve orders.test:80:10.2.0.3 http://orders.test/
try other-address-https --resolve orders.test:443:10.2.0.3 https://orders.test/
printf 'second-request: '
printf 'GET / HTTP/1.1\r\nHost: orders.test\r\n\r\nGET / HTTP/1.1\r\nHost: elsewhere.test\r\nConnection: close\r\n\r\n' |
  ip netns exec client ncat -w 5 10.2.0.2 80 | tr -d '\r' | grep -oE 'HTTP/1.1 [0-9]+|no-mapping' | tr '\n' ' '
echo
try not-a-proxy -x http://10.2.0.2:80 http://orders.test/
printf 'server-first: '
ip netns exec client timeout 5 ncat --recv-only 10.2.0.2 2222 2>&1 | head -1 || true
kill -TERM $proxy
wait $proxy || true
kill "$(cat "$folder/nginx.pid")"
