"""The files of a host, as they stand there: two scripts, two units, and the steps that set them up. Text, nothing else.

What differs between hosts comes from /etc/darkroom/host, or stands between double underscores, which
components/user_data.py fills in; it also says what each file is for.
"""

from typing import Final

HEAD: Final = r"""#!/bin/bash
# A host of Darkroom's __SERVICE__ service: one container under systemd. Run once, as root, at the first boot.
set -euo pipefail

persistently() { # the network may still be coming up
    for _ in 1 2 3 4 5; do
        "$@" && return
        sleep 5
    done
    return 1
}

"""

PULL: Final = r"""#!/bin/bash
# Fetches the image by its digest, if it is not here yet. The registry's password is kept in memory, and only meanwhile.
set -euo pipefail

docker image inspect "$IMAGE" > /dev/null 2>&1 && exit 0
DOCKER_CONFIG=$(mktemp -d -p /run)
export DOCKER_CONFIG
trap 'rm -rf "$DOCKER_CONFIG"' EXIT
aws ecr get-login-password --region "$REGISTRY_REGION" | docker login --username AWS --password-stdin "$REGISTRY"
docker pull --quiet "$IMAGE"
"""

LIFECYCLE: Final = r"""#!/bin/bash
# Tells the group once when this host is ready, or that it will not be; restarts a service that no longer answers; and
# when the group lets the host go, drains the service before saying so. One look every five seconds.
set -uo pipefail

launched=/var/lib/darkroom/launched
silent=0

metadata() { # one value about this instance, by IMDSv2
    local token
    token=$(curl -sf -m 2 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$IMDS/latest/api/token") &&
        curl -sf -m 2 -H "X-aws-ec2-metadata-token: $token" "$IMDS/latest/meta-data/$1"
}

answer() { # answer HOOK CONTINUE|ABANDON
    aws autoscaling complete-lifecycle-action --region "$REGION" --auto-scaling-group-name "$GROUP" \
        --instance-id "$INSTANCE" --lifecycle-hook-name "$1" --lifecycle-action-result "$2"
}

serves() { # serves /path
    curl -sf -m 2 -o /dev/null "http://127.0.0.1:$PORT$1"
}

drain() {
    # a balancer needs a moment to hear that nothing is to be sent here any more
    sleep "$PAUSE_SECONDS"
    systemctl stop darkroom.service
    for _ in 1 2 3; do
        answer "$TERMINATING_HOOK" CONTINUE && return
        sleep 5
    done
}

while true; do
    if [ "$(metadata autoscaling/target-lifecycle-state)" = Terminated ]; then
        drain
        exit 0
    fi
    if [ ! -e "$launched" ]; then
        if serves /readyz; then
            answer "$LAUNCHING_HOOK" CONTINUE && touch "$launched"
        fi
        if [ ! -e "$launched" ] && [ "$SECONDS" -ge "$LAUNCH_SECONDS" ]; then
            # said once: from here on it is the group's to end this host
            answer "$LAUNCHING_HOOK" ABANDON
            touch "$launched"
        fi
    elif serves /healthz; then
        silent=0
    elif [ $((silent += 1)) -ge 12 ]; then
        # if it runs: what somebody stopped by hand stays stopped
        systemctl try-restart darkroom.service
        silent=0
    fi
    sleep 5
done
"""

SERVICE: Final = r"""[Unit]
Description=Darkroom: the __SERVICE__ service
Wants=network-online.target
After=network-online.target docker.service
Requires=docker.service
StartLimitIntervalSec=0

[Service]
EnvironmentFile=/etc/darkroom/host
ExecStartPre=-/usr/bin/docker rm --force darkroom
ExecStartPre=/usr/local/lib/darkroom/pull
# On the host's own network: metadata answers are allowed one hop, which a bridge of docker's would use up, and the
# process would be without credentials. The root is read-only; what is uploaded waits on the disk, because a tmpfs
# would count as memory. Logs are dropped rather than waited for when CloudWatch does not take them. Whether it is well
# is for darkroom-lifecycle to ask, over HTTP, and not for a program in the container.
ExecStart=/usr/bin/docker run --rm --name darkroom --pull never --network host \
    --user __USER__:__USER__ --read-only --cap-drop ALL --security-opt no-new-privileges \
    --tmpfs /tmp:rw,noexec,nosuid,nodev,size=64m --mount type=bind,source=/var/lib/darkroom/spool,target=__SPOOL__ \
    --memory ${MEMORY_KB}k --pids-limit 256 --no-healthcheck --env-file /etc/darkroom/environment \
    --log-driver awslogs --log-opt awslogs-region=${REGION} --log-opt awslogs-group=${LOG_GROUP} \
    --log-opt awslogs-stream=${INSTANCE} --log-opt mode=non-blocking --log-opt max-buffer-size=4m \
    ${IMAGE}
ExecStop=/usr/bin/docker stop -t __STOP_SECONDS__ darkroom
Restart=always
RestartSec=2
TimeoutStartSec=300
TimeoutStopSec=__KILL_SECONDS__

[Install]
WantedBy=multi-user.target
"""

LIFECYCLE_UNIT: Final = r"""[Unit]
Description=Darkroom: readiness and drain of this host
Wants=network-online.target
After=network-online.target

[Service]
EnvironmentFile=/etc/darkroom/host
ExecStart=/usr/local/lib/darkroom/lifecycle
Restart=on-failure
RestartSec=5

[Install]
WantedBy=multi-user.target
"""

TAIL: Final = r"""
# not in the files above, because only the host knows it: its name, and three quarters of its memory for the container
cat >> /etc/darkroom/host <<EOF
INSTANCE=$(cat /var/lib/cloud/data/instance-id)
MEMORY_KB=$(awk '/^MemTotal:/ { print int($2 * 3 / 4) }' /proc/meminfo)
EOF
install -d -m 0700 -o __USER__ -g __USER__ /var/lib/darkroom/spool

# who needs a shell here comes through a session of SSM
systemctl mask --now sshd.service
persistently dnf install --assumeyes --quiet docker
systemctl daemon-reload
systemctl enable --now docker.service
systemctl enable --now --no-block darkroom.service darkroom-lifecycle.service
"""
