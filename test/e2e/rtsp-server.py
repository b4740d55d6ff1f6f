# An RTSP server of GStreamer's, with one camera at /camera, filming a test card. With a user and a password it lets in nobody
# else. It prints its port, and then a line whenever somebody begins and stops to watch.
# Debian: python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good
import sys

import gi

gi.require_version('Gst', '1.0')
gi.require_version('GstRtspServer', '1.0')
from gi.repository import GLib, Gst, GstRtspServer

Gst.init(None)
port, user, password = [*sys.argv[1:4], '', '', ''][:3]

server = GstRtspServer.RTSPServer()
server.set_address('127.0.0.1')
server.set_service(port or '0')

factory = GstRtspServer.RTSPMediaFactory()
factory.set_shared(True)
# I420: what RTP carries of JPEG is that and I422, and the encoder would choose another.
factory.set_launch(
    '( videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=15/1'
    ' ! jpegenc ! rtpjpegpay name=pay0 pt=26 )'
)
if user:
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string('media.factory.role', 'viewer')
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role('viewer', 'media.factory.access', True)
    permissions.add_permission_for_role('viewer', 'media.factory.construct', True)
    factory.set_permissions(permissions)
server.get_mount_points().add_factory('/camera', factory)


def say(what):
    print(what, flush=True)


def connected(_server, client):
    say('opened')
    client.connect('closed', lambda _client: say('closed'))


server.connect('client-connected', connected)
server.attach(None)
say('port %d' % server.get_bound_port())
GLib.MainLoop().run()
